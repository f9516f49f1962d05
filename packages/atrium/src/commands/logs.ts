import { askerFor } from '../cli/ask.ts';
import { defineCommand, UsageError } from '../cli/command.ts';

interface Log {
  lines: string[];
  phase: string;
  failure: { message: string; advice?: string } | null;
}

export const logs = defineCommand({
  name: 'logs',
  usage: 'atrium logs <user> [--server <name>] [--lines <number>]',
  summary: "Show the end of what a user's server wrote",
  positionals: { min: 1, max: 1 },
  options: {
    server: { type: 'string', value: '<name>', default: '', summary: 'A named server; without it, the default one' },
    lines: { type: 'string', short: 'n', value: '<number>', default: '200', summary: 'How many lines' },
  },
  async run({ args: [name], values }, terminal) {
    const lines = Number(values.lines);
    if (!Number.isInteger(lines) || lines < 1) throw new UsageError('--lines takes a whole number');
    const log = await askerFor(values).ask<Log>('logs', { name, server: values.server, lines });
    if (log.failure)
      terminal.say(`The last start failed: ${[log.failure.message, log.failure.advice].join(' ').trim()}`);
    else if (log.lines.length === 0) terminal.say('There is no output.');
    return { json: log, text: log.lines.join('\n') };
  },
});
