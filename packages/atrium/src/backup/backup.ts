import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CommandError } from '../cli/command.ts';
import type { Places } from '../files/data-dir.ts';
import { writeFileSafely } from '../files/write.ts';
import { VERSION } from '../version.ts';
import type { Where } from './database.ts';
import { MANIFEST, type Manifest, NOT_KEPT, POSTGRES_COPY, SQLITE_COPY } from './manifest.ts';
import { postgresEnv, runTool } from './tool.ts';

export interface BackupOptions {
  places: Places;
  database: Where;
  configFile: string | undefined;
  file: string;
  homes: boolean;
}

const CONFIG = 'atrium.config.ts';
const HOMES = 'homes';
/** `tar` says so when a file changed while it was read: usual for a home folder in use, and no reason to fail. */
const TAR_CHANGED = 1;

function makeStaging(folder: string): string {
  try {
    return mkdtempSync(join(folder, '.atrium-backup-'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(
      code === 'ENOENT' ? `There is no folder ${folder}.` : `Nothing can be written into ${folder} (${code}).`,
    );
  }
}

/**
 * Writes everything an installation consists of into one archive, also while it runs: the database as one consistent
 * copy, keys, configuration, homes. @returns its size in bytes.
 */
export async function makeBackup({ places, database, configFile, file, homes }: BackupOptions): Promise<number> {
  const target = resolve(file);
  if (existsSync(target)) throw new CommandError(`${target} is there already; it stays as it is.`);
  if (!existsSync(places.dataDir)) throw new CommandError(`There is no data directory ${places.dataDir}.`);
  const draft = join(dirname(target), `.${basename(target)}.part`);
  // Beside the target, not in a temporary folder: a database may not fit into memory.
  const staging = makeStaging(dirname(target));
  try {
    const manifest: Manifest = { format: 1, version: VERSION, at: Date.now(), database: database.kind, homes };
    writeFileSync(join(staging, MANIFEST), JSON.stringify(manifest));
    await copyDatabaseTo(database, staging);
    const own = ownFiles(places, database, homes, target);
    if (configFile && !own.includes(CONFIG)) copyFileSync(configFile, join(staging, CONFIG));
    // It holds keys and people's files: nobody else may read it, not even while it grows. Made anew, because what lies
    // there already may be somebody else's, or a link.
    rmSync(draft, { force: true });
    writeFileSync(draft, '', { mode: 0o600, flag: 'wx' });
    const inside = relative(places.dataDir, staging);
    const args = [
      '--create',
      '--gzip',
      '--numeric-owner',
      '--file',
      draft,
      ...(inside.startsWith('..') ? [] : [`--exclude=./${inside}`]),
    ];
    const staged = [MANIFEST, ...readdirSync(staging).filter((name) => name !== MANIFEST)];
    const lists = [
      '-C',
      staging,
      ...staged.map((name) => `./${name}`),
      '-C',
      places.dataDir,
      ...own.map((name) => `./${name}`),
    ];
    await runTool('tar', [...args, ...lists], { missing: 'The program tar is missing.', accept: [TAR_CHANGED] });
    renameSync(draft, target);
  } finally {
    rmSync(staging, { recursive: true, force: true });
    rmSync(draft, { force: true });
  }
  writeFileSafely(places.lastBackup, JSON.stringify({ at: Date.now(), file: target }), 0o600);
  return statSync(target).size;
}

/** What of the data directory goes into the archive as it lies there. */
function ownFiles(places: Places, database: Where, homes: boolean, target: string): string[] {
  const sqlite = database.kind === 'sqlite' ? relative(places.dataDir, database.file) : undefined;
  return readdirSync(places.dataDir).filter(
    (name) =>
      !(NOT_KEPT as readonly string[]).includes(name) &&
      !(sqlite !== undefined && name.startsWith(sqlite)) &&
      !name.startsWith('.') &&
      join(places.dataDir, name) !== target &&
      (homes || name !== HOMES),
  );
}

async function copyDatabaseTo(database: Where, staging: string): Promise<void> {
  if (database.kind === 'sqlite') {
    const { copyDatabase } = await import('@atrium/hub');
    if (!existsSync(database.file)) throw new CommandError(`There is no database ${database.file}. Did it ever run?`);
    return copyDatabase(database.file, join(staging, SQLITE_COPY));
  }
  await runTool('pg_dump', ['--format=custom', '--no-owner', '--file', join(staging, POSTGRES_COPY)], {
    env: postgresEnv(database.url),
    missing:
      'pg_dump is missing: it copies a PostgreSQL database. Debian and Ubuntu: sudo apt install postgresql-client',
  });
}
