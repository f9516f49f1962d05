import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Exported } from '@atrium/hub';
import { askerFor } from '../cli/ask.ts';
import { CommandError, defineCommand } from '../cli/command.ts';
import { VERSION } from '../version.ts';

export const exportCommand = defineCommand({
  name: 'export',
  usage: 'atrium export <file.jsonl>',
  summary: 'Write everything the hub knows into a file that other programs can read',
  details:
    'JSON lines: one line says which hub and when, each further one is a row, as {"table": …, "row": …}. All of one ' +
    'moment, also while a hub runs. Passwords and tokens are in it as hashes only; keep it safe all the same. To move to ' +
    'another machine, take atrium backup.',
  positionals: { min: 1, max: 1 },
  options: {},
  async run({ args: [name = ''], values }) {
    const file = resolve(name);
    const target = open(file);
    try {
      const { format, hubId, at, tables } = await askerFor(values).ask<Exported>('export');
      let lines = 0;
      const write = (line: object) => {
        writeSync(target, `${JSON.stringify(line)}\n`);
        lines += 1;
      };
      write({ format, atrium: VERSION, hubId, at });
      for (const { table, rows } of tables) for (const row of rows) write({ table, row });
      const counts = Object.fromEntries(tables.map(({ table, rows }) => [table, rows.length]));
      return { json: { file, lines, tables: counts }, text: `Wrote ${file} (${lines} lines).` };
    } finally {
      closeSync(target);
    }
  },
});

/** Made anew, readable by its owner alone. */
function open(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(
      code === 'EEXIST' ? `${file} is there already; it stays as it is.` : `${file} cannot be written (${code}).`,
    );
  }
}
