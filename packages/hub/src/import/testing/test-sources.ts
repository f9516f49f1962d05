import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { testPython, testPython5 } from '../../../../../tools/test-machine.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What `make_database.py` says of the database it made. */
export interface Facts {
  version: string;
  tokens: Record<'ada' | 'bob' | 'configured' | 'service' | 'expired' | 'server' | 'bad', string>;
  /** Of bob's server `thesis`; JupyterHub 4 has none. */
  shareCode?: string | null;
  cookieSecret: string;
  cryptKeys: string;
  /** As they stand in a browser's header. */
  cookies: Record<'bob' | 'again' | 'forged' | 'old' | 'early' | 'bad', string>;
  /** When it was made, ms. */
  at: number;
}

export interface MadeDatabase extends Disposable {
  file: string;
  facts: Facts;
}

/** Those that this machine has, and one of JupyterHub 4 that was made beforehand. */
export const VERSIONS: readonly { version: '4' | '5' | '6'; python: string | undefined }[] = [
  { version: '4', python: here('jupyterhub-4.sql') },
  { version: '5', python: testPython5() },
  { version: '6', python: testPython() },
];

/** A database made by a real JupyterHub. */
export async function makeDatabase({ version, python }: (typeof VERSIONS)[number]): Promise<MadeDatabase> {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-jupyterhub-'));
  const file = join(dir, 'jupyterhub.sqlite');
  const facts = version === '4' ? loadDump(file) : await run(`${python}/bin/python`, file);
  return { file, facts, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

async function run(python: string, file: string): Promise<Facts> {
  const args = [here('make_database.py'), `sqlite:///${file}`];
  const { stdout } = await promisify(execFile)(python, args, { env: { PYTHONDONTWRITEBYTECODE: '1' } });
  return { ...(JSON.parse(stdout) as Facts), at: Date.now() };
}

/** JupyterHub 4 does not run beside the newer ones: this is what 4.1.6 made with the same program, as SQL. */
function loadDump(file: string): Facts {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  db.exec(readFileSync(here('jupyterhub-4.sql'), 'utf8'));
  db.close();
  return JSON.parse(readFileSync(here('jupyterhub-4.json'), 'utf8')) as Facts;
}

/** The same in PostgreSQL, in the types that JupyterHub has there. */
export async function copyToPostgres(file: string, url: string): Promise<void> {
  const from = new DatabaseSync(file, { readOnly: true });
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const tables = from.prepare(`select name from sqlite_master where type = 'table' order by rowid`).all();
    for (const { name } of tables as { name: string }[]) {
      const columns = from.prepare(`pragma table_info("${name}")`).all() as { name: string; type: string }[];
      const typed = columns.map((column) => `"${column.name}" ${typeIn(column.type)}`);
      await client.query(`create table "${name}" (${typed.join(', ')})`);
      for (const row of from.prepare(`select * from "${name}"`).all()) {
        const values = columns.map((column) =>
          column.type === 'BOOLEAN' && row[column.name] !== null ? row[column.name] === 1 : row[column.name],
        );
        const places = values.map((_, at) => `$${at + 1}`);
        await client.query(`insert into "${name}" values (${places.join(', ')})`, values);
      }
    }
  } finally {
    await client.end();
    from.close();
  }
}

const typeIn = (type: string) =>
  type === 'DATETIME' ? 'timestamp without time zone' : type === 'BLOB' ? 'bytea' : type;
