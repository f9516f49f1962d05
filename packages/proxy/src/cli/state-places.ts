import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Where } from '../stand-alone/open.ts';
import { type Given, UsageError } from './usage.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where routes are kept: a file for each place to listen at, so that two proxies do not share one. */
export function stateFileOf(given: Given, env: Environment, listen: Where): string | undefined {
  const backend = given.text('storage-backend') ?? 'file';
  const path = given.filled('state-file');
  if (backend === 'memory') {
    if (path !== undefined) throw new UsageError('--state-file is of no use with --storage-backend memory');
    return undefined;
  }
  if (backend !== 'file') {
    throw new UsageError(
      `--storage-backend ${backend}: backends of configurable-http-proxy are not loaded here. Routes are kept in a file by default; see --state-file.`,
    );
  }
  if (path !== undefined) return path;
  const name = nameOf(listen);
  return name === undefined ? undefined : join(folderOf(env), `routes-${name}.json`);
}

/** Where the certificate is kept: a folder for each place to listen at. */
export function acmeFolderOf(given: Given, env: Environment, listen: Where): string {
  const path = given.filled('acme-state');
  if (path !== undefined) return path;
  const name = nameOf(listen);
  if (name === undefined)
    throw new UsageError(
      '--acme-domain needs a folder to keep the certificate in, which --port 0 gives no name: --acme-state',
    );
  if (given.text('storage-backend') === 'memory')
    throw new UsageError(
      '--acme-domain needs a folder to keep the certificate in: with --storage-backend memory, name it (--acme-state)',
    );
  return join(folderOf(env), `acme-${name}`);
}

/** Undefined for a port that is chosen anew each time: it is no name. */
function nameOf(listen: Where): string | undefined {
  if ('path' in listen) return `socket-${createHash('sha256').update(listen.path).digest('hex').slice(0, 16)}`;
  if (listen.port === 0) return undefined;
  return `${listen.host.replace(/[^A-Za-z0-9.-]/g, '_') || 'all'}-${listen.port}`;
}

const folderOf = (env: Environment): string =>
  env.STATE_DIRECTORY?.split(':')[0] ||
  join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local/state'), 'atrium-proxy');
