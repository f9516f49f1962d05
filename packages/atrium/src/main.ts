import { runCommandLine } from './cli/run.ts';
import { COMMANDS } from './commands/index.ts';

// Whoever reads us may stop listening: `atrium user list | head -1`, or a terminal that was closed.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

process.exitCode = await runCommandLine(process.argv.slice(2), COMMANDS, { out: process.stdout, err: process.stderr });
