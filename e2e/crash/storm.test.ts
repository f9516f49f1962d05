import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type TestCli, testCli, type Up } from '../../packages/atrium/src/testing/cli.ts';
import { hasPostgres, testDatabase } from '../../tools/test-postgres.ts';
import { type ApiClient, administrator, apiClient, serversOf } from '../lib/api-client.ts';
import { chance } from '../lib/chance.ts';
import { echoSocket } from '../lib/echo-socket.ts';
import { serverProcesses } from '../lib/processes.ts';
import {
  countStarts,
  differences,
  expectReality,
  hubIdOf,
  postgresQuery,
  type Query,
  sqliteQuery,
} from '../lib/reality.ts';
import { type Call, type Storm, storm } from '../lib/storm.ts';
import { DOUBLES_FILE, TINY_CONFIG, type TinyPage } from '../lib/tiny-server.ts';

const USERS = Array.from({ length: 50 }, (_, at) => `student${at}`);
/** Theirs run all the time, with an open websocket. */
const WATCHERS = Array.from({ length: 5 }, (_, at) => `watcher${at}`);
const KILLS = 20;
const MINUTE = 60_000;
/** How long the proxy holds a request while there is no hub; ms. */
const HUB_WAIT = 15_000;
/** From the last kill until everything that was asked for is done. */
const SETTLED = { timeout: MINUTE, interval: 250 };

async function pageOf(up: Up, user: string): Promise<TinyPage | undefined> {
  const answer = await fetch(new URL(`user/${user}/`, up.url));
  const text = await answer.text();
  return answer.status === 200 && text.startsWith('{"user"') ? (JSON.parse(text) as TinyPage) : undefined;
}

/** Asks for a state of everybody's server and waits until it is there. */
async function bring(api: ApiClient, users: readonly string[], state: 'ready' | 'stopped'): Promise<void> {
  const answers = await Promise.all(
    users.map((user) => api(state === 'ready' ? 'POST' : 'DELETE', `/users/${user}/server`)),
  );
  const refused = answers.filter(({ status }) => status >= 300 && status !== 400);
  expect(await Promise.all(refused.map((answer) => answer.text()))).toEqual([]);
  const missing = async () => {
    const servers = await serversOf(api);
    return users.filter((user) => servers.get(user)?.[state] !== true);
  };
  await expect.poll(missing, SETTLED).toEqual([]);
}

/**
 * Failures that somebody would notice. The proxy holds what arrives while there is no hub, and asks the next one what a
 * killed one left unanswered; only when it waited for as long as it does may it give up.
 */
function unexplained({ calls, outages }: Storm): Call[] {
  const bad = ({ outcome }: Call) => typeof outcome === 'string' || outcome >= 500 || [401, 403, 404].includes(outcome);
  const waited = ({ from, to }: Call) =>
    to - from >= HUB_WAIT && outages.some((outage) => outage.from <= to && outage.to >= from);
  return calls.filter((call) => bad(call) && !waited(call));
}

function figures(result: Storm, more: Record<string, number>): string {
  const count = (what: Call['what'], ok: (outcome: Call['outcome']) => boolean) =>
    result.calls.filter((call) => call.what === what && ok(call.outcome)).length;
  const done = (outcome: Call['outcome']) => typeof outcome === 'number' && outcome < 300;
  const failed = (outcome: Call['outcome']) => typeof outcome === 'string' || outcome >= 500;
  const under = ({ from, to }: Call) => result.kills.some(({ at, gone }) => from <= gone && to >= at);
  const lines = {
    kills: result.kills.length,
    'of these before it served': result.kills.filter(({ young }) => young).length,
    'longest outage (ms)': Math.max(...result.outages.map(({ from, to }) => to - from)),
    'starts asked and taken': count('start', done),
    'stops asked and taken': count('stop', done),
    'of all these, under a killed hub': result.calls.filter(under).length,
    'starts and stops failed': count('start', failed) + count('stop', failed),
    'reads answered': count('read', done),
    'reads failed': count('read', failed),
    ...more,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

/** A storm and what it must leave as it was, on one database. */
async function survive(cli: TestCli, query: Query, { people, kills }: { people: readonly string[]; kills: number }) {
  const random = chance();
  console.log(`CRASH_SEED=${random.seed}`);
  const token = await administrator(cli);
  const up = await cli.up();
  const api = apiClient(up, token);
  expect((await api('POST', '/users', { usernames: [...people, ...WATCHERS] })).status).toBe(201);
  await bring(api, WATCHERS, 'ready');
  const before = await Promise.all(WATCHERS.map((user) => pageOf(up, user)));
  const hubId = await hubIdOf(query);
  const sockets = await Promise.all(WATCHERS.map((user) => echoSocket(new URL(`user/${user}/ws`, up.url))));
  const { proxyPid } = up.state();

  const result = await storm({
    ...{ api, users: people, kills, chance: random, hubId },
    dataDir: cli.places.dataDir,
    servingHub: () => up.state().hubPid,
  });
  const pending = async () => [...(await serversOf(api))].filter(([, { pending }]) => pending).map(([user]) => user);
  await expect.poll(pending, SETTLED).toEqual([]);
  const settled = Date.now() - result.kills.at(-1)!.at;
  await expectReality(cli.places, api, query);
  await cli.json('restart');
  const doubles = [...new Set(result.doubles), ...doublesIn(join(cli.places.dataDir, 'homes'))];
  const lost = sockets.flatMap(({ broken }) => broken ?? []);
  const wrong = unexplained(result);
  const { orphans } = await differences(cli.places, api, query);
  console.log(
    figures(result, {
      'servers started': await countStarts(query),
      'settled after the last kill (ms)': settled,
      orphans: orphans.length,
      'duplicate servers': doubles.length,
      'lost sockets': lost.length,
      'messages echoed': sockets.reduce((sum, { echoed }) => sum + echoed, 0),
      'failures that somebody noticed': wrong.length,
    }),
  );

  expect({ doubles, lost, wrong, orphans }).toEqual({ doubles: [], lost: [], wrong: [], orphans: [] });
  expect(up.state().proxyPid).toBe(proxyPid);
  expect(await Promise.all(WATCHERS.map((user) => pageOf(up, user)))).toEqual(before);

  await bring(api, people, 'ready');
  const pages = await Promise.all(people.map((user) => pageOf(up, user)));
  expect(pages.map((page) => page?.user)).toEqual(people);
  await expectReality(cli.places, api, query);

  await Promise.all(sockets.map((socket) => socket.close()));
  await bring(api, [...people, ...WATCHERS], 'stopped');
  expect(serverProcesses(hubId)).toEqual([]);
}

describe.skipIf(process.platform !== 'linux')('a hub that is killed again and again', () => {
  const title = 'loses no server, doubles none, leaves none behind, cuts no websocket, and nobody notices';

  test(title, { timeout: 5 * MINUTE }, async () => {
    await using cli = testCli(TINY_CONFIG);
    await survive(cli, sqliteQuery(cli.places), { people: USERS, kills: KILLS });
  });

  test.skipIf(!hasPostgres)(`on PostgreSQL: ${title}`, { timeout: 3 * MINUTE }, async () => {
    await using database = await testDatabase();
    await using cli = testCli(
      TINY_CONFIG.replace('port: 0,', `port: 0,\n  database: ${JSON.stringify(database.url)},`),
    );
    await survive(cli, postgresQuery(database.url), { people: USERS.slice(0, 20), kills: 5 });
  });
});

/** What servers noticed themselves: that an earlier start of theirs still lived. */
function doublesIn(homes: string): string[] {
  return readdirSync(homes)
    .map((home) => join(homes, home, DOUBLES_FILE))
    .filter(existsSync)
    .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'));
}
