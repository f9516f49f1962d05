import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { testCli } from '../../packages/atrium/src/testing/cli.ts';
import { testPython, testPython5 } from '../../tools/test-machine.ts';
import { administrator, apiClient, serversOf } from '../lib/api-client.ts';
import { chance } from '../lib/chance.ts';
import { openKernel } from '../lib/kernel.ts';
import { killHub } from '../lib/kill-hub.ts';
import { serverProcesses } from '../lib/processes.ts';
import { expectReality, hubIdOf, sqliteQuery } from '../lib/reality.ts';

const MINUTE = 60_000;
/** Ten starts of JupyterLab on two cores take 14–18 s when nothing else runs. */
const ALL_READY = { timeout: 2 * MINUTE, interval: 250 };
const STUDENTS = Array.from({ length: 10 }, (_, at) => `student${at}`);

/** Real notebook servers from the Python environment of the tests. */
const configOf = (python: string) => `
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({ port: 0, spawner: processSpawner({ python: ${JSON.stringify(python)} }) });
`;

const python = testPython();
describe.skipIf(!python || process.platform !== 'linux')('a hub that is killed under real notebook servers', () => {
  test('ten that start go on, once each, and are ready', { timeout: 4 * MINUTE }, async () => {
    const random = chance();
    await using cli = testCli(configOf(python!));
    const token = await administrator(cli);
    const up = await cli.up();
    const api = apiClient(up, token);
    expect((await api('POST', '/users', { usernames: STUDENTS })).status).toBe(201);

    const asked = Promise.all(STUDENTS.map((user) => api('POST', `/users/${user}/server`)));
    const moment = 500 + random.next() * 8_000;
    await delay(moment);
    console.log(`CRASH_SEED=${random.seed}: killed ${Math.round(moment)} ms after ten starts were asked for`);
    await killHub(up);
    const answers = (await asked).map(({ status }) => status);
    const waiting = async () => {
      const servers = await serversOf(api);
      return STUDENTS.filter((user) => !servers.get(user)?.ready);
    };
    await expect.poll(waiting, ALL_READY).toEqual([]);

    // What was still unanswered when the hub was killed is cut off; it is done all the same.
    expect(answers.filter((status) => ![201, 202, 502].includes(status))).toEqual([]);
    const query = sqliteQuery(cli.places);
    const hubId = await hubIdOf(query);
    await expectReality(cli.places, api, query);
    const launches = serverProcesses(hubId).filter((one) => one.isServer);
    expect(new Set(launches.map(({ launch }) => launch)).size).toBe(STUDENTS.length);
    const pages = await Promise.all(
      STUDENTS.map((user) => fetch(new URL(`user/${user}/api`, up.url)).then((answer) => answer.json())),
    );
    expect(pages).toEqual(STUDENTS.map(() => ({ version: expect.any(String) })));
  });
});

for (const [version, dir] of [
  ['6.1', testPython()],
  ['5.5', testPython5()],
] as const) {
  describe.skipIf(!dir || process.platform !== 'linux')(`a kernel of jupyterhub-singleuser ${version}`, () => {
    test('stays connected when the hub is killed and when it is upgraded', { timeout: 3 * MINUTE }, async () => {
      await using cli = testCli(configOf(dir!));
      const token = await administrator(cli);
      const up = await cli.up();
      const api = apiClient(up, token);
      await api('POST', '/users/ada/server');
      await expect.poll(async () => (await serversOf(api)).get('ada')?.ready, ALL_READY).toBe(true);
      await using kernel = await openKernel(new URL('user/ada/', up.url), token);
      expect(await kernel.run('x = 1 + 1; x')).toBe('2');

      const asked = kernel.run('import time; time.sleep(2); x + 1');
      await killHub(up);
      expect(await asked).toBe('3');
      expect(await kernel.run('x + 2')).toBe('4');
      await cli.json('restart');

      expect(await kernel.run('x + 3')).toBe('5');
      expect(kernel.broken).toBeUndefined();
      expect((await api('GET', '/users/ada/server')).status).toBe(200);
    });
  });
}
