import { askerFor } from '../cli/ask.ts';
import { defineCommand, UsageError } from '../cli/command.ts';

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds: a number, or a length such as `12h`. */
function secondsOf(text: string): number {
  const [, amount, unit = 's'] = /^(\d+)([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(amount) * UNITS[(unit || 's') as keyof typeof UNITS];
  if (!Number.isSafeInteger(seconds) || seconds < 1) {
    throw new UsageError('--expires-in takes seconds, or a length such as 90s, 10m, 12h, 30d');
  }
  return seconds;
}

export const token = defineCommand({
  name: 'token',
  usage: 'atrium token <user> [--scopes <list>] [--expires-in <time>]',
  summary: 'Issue an API token for a user and print it once',
  positionals: { min: 1, max: 1 },
  options: {
    scopes: {
      type: 'string',
      value: '<list>',
      summary: 'What it may do, comma-separated; without it, all its owner may',
    },
    'expires-in': {
      type: 'string',
      value: '<time>',
      summary: 'Seconds, or a length such as 12h or 30d; without it, no end',
    },
    note: { type: 'string', value: '<text>', default: 'command line', summary: 'What it is for' },
  },
  async run({ args: [name], values }) {
    const scopes = (values.scopes ?? 'inherit').split(/[\s,]+/).filter(Boolean);
    const expiresIn = values['expires-in'] === undefined ? null : secondsOf(values['expires-in']);
    const issued = await askerFor(values).ask<{ token: string }>('token', {
      name,
      scopes,
      expiresIn,
      note: values.note,
    });
    return { json: issued, text: issued.token };
  },
});
