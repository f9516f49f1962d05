import { runCommandLine } from './cli/run.ts';
import { COMMANDS } from './commands/index.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), COMMANDS, { out: process.stdout, err: process.stderr });
