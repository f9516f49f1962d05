import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandError } from '../cli/command.ts';
import type { Places } from '../files/data-dir.ts';
import { MANIFEST, Manifest, NOT_KEPT, POSTGRES_COPY } from './manifest.ts';
import { postgresEnv, runTool } from './tool.ts';

export interface RestoreOptions {
  places: Places;
  file: string;
  /** Put what is there aside, instead of refusing. */
  force: boolean;
}

export interface Restored {
  manifest: Manifest;
  /** Where the data directory of before is now. */
  aside?: string;
  /** The copy of a PostgreSQL database, which still has to go where the configuration says. */
  postgresCopy?: string;
}

const missing = 'The program tar is missing.';

/**
 * Puts a backup in the place of the data directory. Everything is unpacked beside it first, so that a damaged archive
 * changes nothing.
 */
export async function restoreFiles({ places, file, force }: RestoreOptions): Promise<Restored> {
  const { dataDir } = places;
  const source = resolve(file);
  if (!existsSync(source)) throw new CommandError(`There is no file ${source}.`);
  const left = existsSync(dataDir) ? readdirSync(dataDir) : [];
  const occupied = left.filter((name) => !(NOT_KEPT as readonly string[]).includes(name));
  if (occupied.length > 0 && !force) {
    throw new CommandError(
      `${dataDir} is not empty (${occupied.slice(0, 3).join(', ')}…). With --force it is put aside first, never deleted.`,
    );
  }
  mkdirSync(dirname(dataDir), { recursive: true });
  const staging = mkdtempSync(join(dirname(dataDir), `.${basename(dataDir)}-restore-`));
  try {
    const unpack = [
      '--extract',
      '--gzip',
      '--preserve-permissions',
      '--numeric-owner',
      '--file',
      source,
      '-C',
      staging,
    ];
    await runTool('tar', unpack, { missing }).catch((cause: unknown) => {
      if (!(cause instanceof CommandError) || cause.message === missing) throw cause;
      throw new CommandError(
        `${source} cannot be unpacked: it is damaged, or not a backup that atrium backup made. Nothing was changed.\n${cause.message}`,
      );
    });
    const manifest = readManifest(join(staging, MANIFEST), source);
    rmSync(join(staging, MANIFEST));
    const aside =
      occupied.length > 0 ? `${dataDir}.before-${new Date().toISOString().replaceAll(/[:.]/g, '-')}` : undefined;
    if (aside) renameSync(dataDir, aside);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(staging)) renameSync(join(staging, name), join(dataDir, name));
    // Made once for this folder's path; making it again takes minutes.
    const python = aside && join(aside, 'python');
    if (python && existsSync(python)) renameSync(python, places.python);
    const copy = join(dataDir, POSTGRES_COPY);
    return { manifest, ...(aside ? { aside } : {}), ...(existsSync(copy) ? { postgresCopy: copy } : {}) };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function readManifest(path: string, source: string): Manifest {
  const parsed = existsSync(path) ? Manifest.safeParse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
  if (!parsed) throw new CommandError(`${source} is not a backup that atrium backup made.`);
  if (!parsed.success) throw new CommandError(`${source} was made by a newer Atrium; restore it with that version.`);
  return parsed.data;
}

/** Puts a PostgreSQL database back, in one transaction: wholly or not at all. */
export async function restorePostgres(url: string, copy: string, force: boolean): Promise<void> {
  const clean = force ? ['--clean', '--if-exists'] : [];
  const env = postgresEnv(url);
  await runTool(
    'pg_restore',
    ['--no-owner', '--single-transaction', ...clean, '--dbname', env.PGDATABASE ?? '', copy],
    {
      env,
      missing: `pg_restore is missing. Debian and Ubuntu: sudo apt install postgresql-client. The copy is in ${copy}.`,
    },
  );
  rmSync(copy);
}
