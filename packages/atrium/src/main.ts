import { runCommandLine } from './cli/run.ts';

// Whoever reads us may stop listening: `atrium user list | head -1`, or a terminal that was closed.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const argv = process.argv.slice(2);
// What a start of the hub does not need, it does not wait for.
const commands =
  argv[0] === 'up' ? [(await import('./commands/up.ts')).up] : (await import('./commands/index.ts')).COMMANDS;
process.exitCode = await runCommandLine(argv, commands, { out: process.stdout, err: process.stderr });
