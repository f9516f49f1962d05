import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { testCli, type Up } from '../../packages/atrium/src/testing/cli.ts';
import { type ApiClient, administrator, apiClient, serversOf } from '../lib/api-client.ts';
import { chance } from '../lib/chance.ts';
import { echoSocket } from '../lib/echo-socket.ts';
import { serverProcesses } from '../lib/processes.ts';
import { differences, hubIdOf, NO_DIFFERENCES } from '../lib/reality.ts';
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

describe.skipIf(process.platform !== 'linux')('a hub that is killed again and again', () => {
  test('loses no server, doubles none, leaves none behind, and cuts no websocket', {
    timeout: 5 * MINUTE,
  }, async () => {
    const random = chance();
    console.log(`CRASH_SEED=${random.seed}`);
    await using cli = testCli(TINY_CONFIG);
    const token = await administrator(cli);
    const up = await cli.up();
    const api = apiClient(up, token);
    expect((await api('POST', '/users', { usernames: [...USERS, ...WATCHERS] })).status).toBe(201);
    await bring(api, WATCHERS, 'ready');
    const before = await Promise.all(WATCHERS.map((user) => pageOf(up, user)));
    const hubId = hubIdOf(cli.places);
    const sockets = await Promise.all(WATCHERS.map((user) => echoSocket(new URL(`user/${user}/ws`, up.url))));
    const { proxyPid } = up.state();

    const result = await storm({
      ...{ api, users: USERS, kills: KILLS, chance: random, hubId },
      dataDir: cli.places.dataDir,
      servingHub: () => up.state().hubPid,
    });
    const pending = async () => [...(await serversOf(api))].filter(([, { pending }]) => pending).map(([user]) => user);
    await expect.poll(pending, SETTLED).toEqual([]);
    // The route table's copy on disk is written behind the stream.
    await expect.poll(() => differences(cli.places, api, hubId), { timeout: 5_000 }).toEqual(NO_DIFFERENCES);
    await cli.json('restart');
    const doubles = [...new Set(result.doubles), ...doublesIn(join(cli.places.dataDir, 'homes'))];
    const lost = sockets.flatMap(({ broken }) => broken ?? []);
    const wrong = unexplained(result);
    const echoes = sockets.reduce((sum, { echoed }) => sum + echoed, 0);
    console.log(
      figures(result, {
        orphans: 0,
        'duplicate servers': doubles.length,
        'lost sockets': lost.length,
        'messages echoed': echoes,
        'failures that somebody noticed': wrong.length,
      }),
    );

    expect(doubles).toEqual([]);
    expect(lost).toEqual([]);
    expect(wrong).toEqual([]);
    expect(up.state().proxyPid).toBe(proxyPid);
    expect(await Promise.all(WATCHERS.map((user) => pageOf(up, user)))).toEqual(before);

    await bring(api, USERS, 'ready');
    const pages = await Promise.all(USERS.map((user) => pageOf(up, user)));
    expect(pages.map((page) => page?.user)).toEqual(USERS);
    expect(await differences(cli.places, api, hubId)).toEqual(NO_DIFFERENCES);

    await Promise.all(sockets.map((socket) => socket.close()));
    await bring(api, [...USERS, ...WATCHERS], 'stopped');
    expect(serverProcesses(hubId)).toEqual([]);
  });
});

/** What servers noticed themselves: that an earlier start of theirs still lived. */
function doublesIn(homes: string): string[] {
  return readdirSync(homes)
    .map((home) => join(homes, home, DOUBLES_FILE))
    .filter(existsSync)
    .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'));
}
