import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { type Places, placesOf } from '../../packages/atrium/src/files/data-dir.ts';
import { type TestCli, testCli, type Up } from '../../packages/atrium/src/testing/cli.ts';
import { freePort } from '../../tools/free-port.ts';
import { type ApiClient, administrator, apiClient, serversOf } from '../lib/api-client.ts';
import { parentOf, serverRoots } from '../lib/processes.ts';
import { hubIdOf, sqliteQuery } from '../lib/reality.ts';
import { openTo, SOMEBODY } from './as-account.ts';
import { untilWarm } from './warmth.ts';

/** A start on a machine that does other things, too. */
const START = { timeout: 120_000, interval: 50 };
const STOP = { timeout: 30_000, interval: 50 };

const AS_ACCOUNT = fileURLToPath(new URL('./as-account.ts', import.meta.url));

/** How servers begin; the rest of the spawner's options as text of the config. */
export interface Setting {
  start: 'warm' | 'cold';
  python: string;
  more?: string;
  /** Whether a template must be ready first; where servers are warm, it must. */
  wait?: boolean;
}

/** A server that answers. */
export interface Started {
  user: string;
  /** `<server id>.<generation>`: also the name of its launch folder. */
  launch: string;
  /** The notebook server's own process. */
  pid: number;
  /** ms from asking for it to its first answer through the proxy. */
  ms: number;
}

/** One installation that is started again and again, the same people and files in it. */
export interface World extends AsyncDisposable {
  readonly cli: TestCli;
  readonly places: Places;
  readonly token: string;
  readonly up: Up;
  readonly api: ApiClient;
  /** Ends the hub, and starts it with this setting. Waits for a template where there must be one. */
  serve(setting: Setting): Promise<void>;
  begin(user: string): Promise<Started>;
  end(user: string): Promise<void>;
  home(user: string): string;
  hubLog(): string;
}

const configOf = (port: number, { start, python, more = '' }: Setting) => `
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({
  port: ${port},
  idle: { stopAfter: 0 },
  spawner: processSpawner({ start: '${start}', python: ${JSON.stringify(python)}, ${more} }),
});
`;

/** `ordinary`: the hub runs as an account that is not root. */
export async function startWorld(as: 'this account' | 'ordinary' = 'this account'): Promise<World> {
  const port = await freePort();
  const cli = testCli(undefined, {}, as === 'ordinary' ? ['--conditions=atrium-source', AS_ACCOUNT] : undefined);
  if (as === 'ordinary') openTo(cli.dir, SOMEBODY);
  const { dataDir, runDir } = cli.places;
  // The command finds another one for another account.
  const places =
    as === 'ordinary' ? placesOf(dataDir, `/tmp/${basename(runDir).replace('-', `-${SOMEBODY}-`)}`) : cli.places;
  let up: Up | undefined;
  let token = '';
  let hubId = '';
  const api: ApiClient = (method, path, body) => apiClient(running(), token)(method, path, body);
  const running = () => {
    if (!up) throw new Error('The hub does not run');
    return up;
  };
  const down = async () => {
    if (!up) return;
    await cli.run(['down', '--servers']);
    await up.end('SIGTERM');
    up = undefined;
  };
  const readiness = async (user: string) => (await serversOf(api)).get(user)?.ready;

  return {
    cli,
    places,
    get token() {
      return token;
    },
    get up() {
      return running();
    },
    api,
    async serve(setting) {
      await down();
      writeFileSync(join(cli.dir, 'atrium.config.ts'), configOf(port, setting));
      if (token === '') token = await administrator(cli);
      up = await cli.up();
      hubId = await hubIdOf(sqliteQuery(cli.places));
      if (setting.start !== 'warm' || setting.wait === false) return;
      await untilWarm(cli);
    },
    async begin(user) {
      if (user !== 'ada' && (await api('GET', `/users/${user}`)).status === 404) await api('POST', `/users/${user}`);
      const asked = performance.now();
      const { status } = await api('POST', `/users/${user}/server`);
      if (![201, 202].includes(status)) throw new Error(`POST /users/${user}/server answers ${status}`);
      await vi.waitFor(async () => expect(await readiness(user)).toBe(true), START);
      const answer = await fetch(new URL(`user/${user}/api`, running().url));
      const ms = performance.now() - asked;
      expect(answer.status).toBe(200);
      const id = await serverIdOf(cli, user);
      return { user, ms, ...(await vi.waitFor(() => processOf(hubId, id), STOP)) };
    },
    async end(user) {
      await api('DELETE', `/users/${user}/server`);
      await vi.waitFor(async () => expect(await readiness(user)).not.toBe(true), STOP);
    },
    home(user) {
      const homes = join(dataDir, 'homes');
      const found = readdirSync(homes).find((name) => name.startsWith(`${user}-`));
      if (!found) throw new Error(`${user} has no home in ${homes}`);
      return join(homes, found);
    },
    hubLog: () => readFileSync(join(cli.places.logDir, 'hub.log'), 'utf8'),
    async [Symbol.asyncDispose]() {
      // Where another account runs it, only that account's own command finds it.
      await down();
      await cli[Symbol.asyncDispose]();
    },
  };
}

async function serverIdOf(cli: TestCli, user: string): Promise<string> {
  const sql = `select s.id from servers s join users u on u.id = s.user_id where u.name = '${user}'`;
  const [row] = await sqliteQuery(cli.places)<{ id: string }>(sql);
  if (!row) throw new Error(`${user} has no server`);
  return row.id;
}

function processOf(hubId: string, serverId: string): { pid: number; launch: string } {
  const roots = serverRoots(hubId).filter(({ launch }) => launch.includes(`/${serverId}.`));
  const [server, ...others] = roots;
  if (!server || others.length > 0) throw new Error(`${roots.length} processes are the server ${serverId}`);
  return { pid: server.pid, launch: server.launch.slice(hubId.length + 1) };
}

/** All that somebody's server wrote, also at its earlier starts. */
export const logOf = ({ places }: World, { launch }: Started): string =>
  readFileSync(join(places.dataDir, 'logs', `${launch.split('.')[0]}.log`), 'utf8');

export function childrenOf(pid: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((other) => parentOf(other) === pid);
}
