import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { NO_SERVERS, testCli } from '../../packages/atrium/src/testing/cli.ts';
import { administrator, apiClient, serversOf } from '../lib/api-client.ts';
import { hubProcesses, serverProcesses } from '../lib/processes.ts';
import { expectReality, hubIdOf, sqliteQuery } from '../lib/reality.ts';
import { TINY_CONFIG } from '../lib/tiny-server.ts';

const MINUTE = 60_000;
const SETTLED = { timeout: MINUTE, interval: 250 };
const STUDENTS = Array.from({ length: 20 }, (_, at) => `student${at}`);

describe.skipIf(process.platform !== 'linux')('atrium up', () => {
  test('killed as a whole while servers start, it finds every one of them again', { timeout: 3 * MINUTE }, async () => {
    await using cli = testCli(TINY_CONFIG);
    const token = await administrator(cli);
    const first = await cli.up();
    const { port } = new URL(first.url);
    const api = apiClient(first, token);
    expect((await api('POST', '/users', { usernames: STUDENTS })).status).toBe(201);

    const asked = Promise.allSettled(STUDENTS.map((user) => api('POST', `/users/${user}/server`)));
    const query = sqliteQuery(cli.places);
    const hubId = await hubIdOf(query);
    await expect.poll(() => serverProcesses(hubId).length, { timeout: 15_000, interval: 5 }).toBeGreaterThan(0);
    const { pid, hubPid, proxyPids } = first.state();
    for (const each of [pid, hubPid!, ...proxyPids!]) process.kill(each, 'SIGKILL');
    await asked;
    await cli.up('--port', port);
    const pending = async () => [...(await serversOf(api)).values()].filter((server) => server.pending).length;
    await expect.poll(pending, SETTLED).toBe(0);

    await expectReality(cli.places, api, query);
    // What the kill cut off before it was written down was never answered either, and can be asked for again.
    await Promise.all(STUDENTS.map((user) => api('POST', `/users/${user}/server`)));
    const waiting = async () => [...(await serversOf(api)).values()].filter((server) => !server.ready).length;
    await expect.poll(waiting, SETTLED).toBe(0);
    await expectReality(cli.places, api, query);
  });

  test('a hub that is killed while it is restarted is replaced by one, not by several', {
    timeout: 6 * MINUTE,
  }, async () => {
    await using cli = testCli(NO_SERVERS);
    const up = await cli.up();

    for (const pause of [0, 100, 400]) {
      const { pid, hubPid } = up.state();
      process.kill(pid, 'SIGHUP');
      await delay(pause);
      process.kill(hubProcesses(cli.places.dataDir)[0]!, 'SIGKILL');
      expect((await fetch(new URL('hub/login', up.url))).status).toBe(200);
      const one = () => {
        const hubs = hubProcesses(cli.places.dataDir);
        return hubs.length === 1 && hubs[0] === up.state().hubPid && hubs[0] !== hubPid;
      };
      await expect.poll(one, SETTLED).toBe(true);
    }
    expect(up.said()).not.toContain('Another hub already uses the database');
  });
});
