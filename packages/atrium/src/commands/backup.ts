import { makeBackup } from '../backup/backup.ts';
import { databaseOf } from '../backup/database.ts';
import { restoreFiles, restorePostgres } from '../backup/restore.ts';
import { CommandError, defineCommand } from '../cli/command.ts';
import { readConfig } from '../files/config-file.ts';
import { findDataDir, placesOf } from '../files/data-dir.ts';
import { findConfigFile } from '../files/find-config.ts';
import { readState } from '../up/state.ts';

const MB = 1024 ** 2;

export const backup = defineCommand({
  name: 'backup',
  usage: 'atrium backup <file.tar.gz> [--no-homes]',
  summary: 'Write the whole installation into one file, while it runs',
  details:
    'Database, keys, configuration and home folders. The file can do what an administrator can: keep it safe. The Python ' +
    'environment and logs are left out, because they can be made again.',
  positionals: { min: 1, max: 1 },
  options: { 'no-homes': { type: 'boolean', summary: "Leave people's home folders out" } },
  async run({ args: [file = ''], values }) {
    const places = placesOf(findDataDir(values['data-dir']));
    const configFile = findConfigFile(values.config, places.dataDir);
    const { config } = await readConfig(configFile, {});
    const homes = !values['no-homes'];
    const bytes = await makeBackup({ places, database: databaseOf(config, places.dataDir), configFile, file, homes });
    return { json: { file, bytes, homes }, text: `Wrote ${file} (${(bytes / MB).toFixed(1)} MB).` };
  },
});

export const restore = defineCommand({
  name: 'restore',
  usage: 'atrium restore <file.tar.gz> [--force]',
  summary: 'Put a backup into the data directory',
  details: 'Only into an empty one. With --force what is there is put aside under another name, never deleted.',
  positionals: { min: 1, max: 1 },
  options: { force: { type: 'boolean', summary: 'Put what is there aside' } },
  async run({ args: [file = ''], values }) {
    const places = placesOf(findDataDir(values['data-dir']));
    const running = readState(places);
    if (running) throw new CommandError(`Atrium runs on ${places.dataDir}. Stop it first: atrium down --servers`);
    const force = values.force ?? false;
    const { manifest, aside, postgresCopy } = await restoreFiles({ places, file, force });
    if (postgresCopy) {
      const { config } = await readConfig(findConfigFile(values.config, places.dataDir), {});
      const database = databaseOf(config, places.dataDir);
      if (database.kind !== 'postgres') {
        throw new CommandError(
          `The backup is of a PostgreSQL database, but the configuration names none. It is in ${postgresCopy}.`,
        );
      }
      await restorePostgres(database.url, postgresCopy, force);
    }
    const made = new Date(manifest.at).toISOString().slice(0, 16).replace('T', ' ');
    const text = [
      `Restored ${places.dataDir} as it was at ${made} UTC.`,
      aside && `What was there is in ${aside}.`,
      !manifest.homes && 'The backup has no home folders.',
    ].filter(Boolean);
    return { json: { dataDir: places.dataDir, ...manifest, aside: aside ?? null }, text: text.join('\n') };
  },
});
