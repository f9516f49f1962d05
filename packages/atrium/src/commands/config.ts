import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { showConfig, starterConfig } from '@atrium/hub/config';
import { CommandError, defineCommand, type GlobalValues } from '../cli/command.ts';
import { readConfig } from '../files/config-file.ts';
import { findDataDir } from '../files/data-dir.ts';
import { findConfigFile } from '../files/find-config.ts';

const fileOf = (values: GlobalValues) => findConfigFile(values.config, findDataDir(values['data-dir']));

export const configCheck = defineCommand({
  name: 'config check',
  usage: 'atrium config check',
  summary: 'Say what is wrong with the configuration, if anything',
  details: 'One line per problem. Exit status 1 when there is one.',
  options: {},
  async run({ values }) {
    const file = fileOf(values);
    const where = file ?? 'the defaults (there is no configuration file)';
    try {
      await readConfig(file, {});
    } catch (error) {
      if ((error as Error).name !== 'ConfigError') throw error;
      const { problems } = error as Error & { problems: readonly string[] };
      return { json: { ok: false, file: file ?? null, problems }, text: problems.join('\n'), exitCode: 1 };
    }
    return { json: { ok: true, file: file ?? null, problems: [] }, text: `Good: ${where}` };
  },
});

export const configShow = defineCommand({
  name: 'config show',
  usage: 'atrium config show',
  summary: 'Show every setting in force and where it comes from',
  details: 'Secrets are never shown. Lengths of time are in seconds.',
  options: {},
  async run({ values }) {
    const file = fileOf(values);
    const settings = showConfig(await readConfig(file, {}));
    const width = Math.max(...settings.map(({ path }) => path.length));
    const lines = settings.map(({ path, value, origin, from }) => {
      const shown = value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
      return `${path.padEnd(width)}  ${shown}  (${from ?? origin})`;
    });
    return { json: { file: file ?? null, settings }, text: [`File: ${file ?? 'none'}`, ...lines].join('\n') };
  },
});

export const init = defineCommand({
  name: 'init',
  usage: 'atrium init [<file>]',
  summary: 'Write a configuration file to start from, every setting explained',
  details: 'Into the current folder as atrium.config.ts, unless a file is named. Never overwrites one.',
  positionals: { min: 0, max: 1 },
  options: {},
  async run({ args }) {
    const file = resolve(args[0] ?? 'atrium.config.ts');
    if (existsSync(file)) throw new CommandError(`${file} is there already; it stays as it is.`);
    mkdirSync(dirname(file), { recursive: true });
    // Whoever may read the configuration may read what is written into it instead of a secret's place.
    writeFileSync(file, starterConfig(), { flag: 'wx', mode: 0o644 });
    chmodSync(file, 0o644);
    return { json: { file }, text: `Wrote ${file}. Change what should differ, then: atrium config check` };
  },
});
