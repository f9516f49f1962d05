import { isAbsolute, resolve } from 'node:path';
import { HubError } from '@atrium/sdk';

/** Where the database of a JupyterHub is. */
export type SourcePlace = { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: string };

const bad = (message: string) => new HubError('bad_request', message);

/**
 * Reads `--db`: a file, or the URL as it stands in `c.JupyterHub.db_url`.
 * @throws HubError `bad_request` for what is no such database, and for a URL with a password: a command line can be read
 * by everybody on the machine.
 */
export function sourcePlace(text: string, folder: string): SourcePlace {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+]*):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme === '') {
    if (text === '' || text.startsWith(':'))
      throw bad('--db wants the file jupyterhub.sqlite, or a postgresql:// URL.');
    return { kind: 'sqlite', file: resolve(folder, text) };
  }
  const [kind = ''] = scheme.toLowerCase().split('+');
  // As SQLAlchemy writes it: `sqlite:///in/this/folder`, `sqlite:////from/the/root`.
  if (kind === 'sqlite') {
    const path = rest.replace(/\?.*$/s, '').replace(/^\//, '');
    if (path === '' || path === ':memory:') throw bad('--db names a SQLite database without a file.');
    return { kind: 'sqlite', file: isAbsolute(path) ? path : resolve(folder, path) };
  }
  if (kind === 'postgres' || kind === 'postgresql') return { kind: 'postgres', url: postgresUrl(rest) };
  throw bad(
    `A database of the kind ${kind} cannot be read: SQLite and PostgreSQL can. Copy it into one of those first, for ` +
      'instance with pgloader.',
  );
}

function postgresUrl(rest: string): string {
  let url: URL;
  try {
    url = new URL(`postgresql://${rest}`);
  } catch {
    throw bad('--db is no PostgreSQL URL. Write postgresql://user@host/database');
  }
  if (url.password !== '' || url.searchParams.has('password')) {
    throw bad(
      'Leave the password out of --db: everybody on this machine can read a command line. Give it by the variable ' +
        'PGPASSWORD, or by ~/.pgpass, and change it if it is worth that.',
    );
  }
  return url.href;
}
