import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { readableByAll } from '../packages/atrium/setup/find-python.mjs';
import { freePort } from './free-port.ts';

const START_DEADLINE_MS = 60_000;
const POLL_MS = 30;
/** PostgreSQL refuses to run as root; this account exists everywhere and owns nothing. */
const NOBODY = 65_534;

export interface Cluster {
  /** Of its superuser's own database, on loopback, no password. */
  url: string;
  stop(): Promise<void>;
}

// Ends the server and removes its files when our end of its standard input closes: also when we are killed.
const KEEPER = 'dir=$1; shift; "$@" >"$dir/log" 2>&1 & read -r _; kill -QUIT $!; wait $!; rm -rf "$dir"';

/** Starts a throwaway PostgreSQL from the programs in `bin`: no durability, its own folder, a free loopback port. */
export async function startCluster(bin: string): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-postgres-'));
  const isRoot = process.getuid?.() === 0;
  const account = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  let programs = bin;
  if (isRoot) {
    await chown(dir, NOBODY, NOBODY);
    if (!readableByAll(join(bin, 'postgres'))) {
      await cp(dirname(bin), join(dir, 'programs'), { recursive: true, dereference: true });
      programs = join(dir, 'programs', 'bin');
    }
  }
  const data = join(dir, 'data');
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await promisify(execFile)(join(programs, 'initdb'), init, { ...account, cwd: dir }).catch(async (cause) => {
    await rm(dir, { recursive: true, force: true });
    throw cause;
  });

  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: dir,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '200',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [join(programs, 'postgres'), '-D', data, '-p', String(port), ...options];
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'sh', dir, ...command], {
    ...account,
    cwd: dir,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(keeper, 'exit');
  const stop = async () => {
    keeper.stdin.end();
    await ended;
    await rm(dir, { recursive: true, force: true }); // the programs copied above are not the account's to remove
  };
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  try {
    await answers(url, join(dir, 'log'));
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { url, stop };
}

async function answers(url: string, logPath: string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (cause) {
      const log = await readFile(logPath, 'utf8').catch(() => '');
      if (/FATAL: {2}(?!the database system is starting)/.test(log) || Date.now() > deadline)
        throw new Error(`PostgreSQL did not start:\n${log.slice(-2000)}`, { cause });
      await delay(POLL_MS);
    }
  }
}
