import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type TestCli, TINY_SERVERS, testCli, type Up } from '../../packages/atrium/src/testing/cli.ts';
import { administrator, apiClient } from '../lib/api-client.ts';
import { holderOf, isRunning } from '../lib/processes.ts';
import { upgraded, visitors } from '../lib/visitors.ts';

const MINUTE = 60_000;
const SOON = { timeout: MINUTE, interval: 50 };
/** `ATRIUM_UPGRADES=20` for the long run. */
const UPGRADES = Number(process.env.ATRIUM_UPGRADES ?? 3);
/** Short, so that websockets meet it. */
const CONFIG = TINY_SERVERS.replace('port: 0,', "port: 0,\n  workers: 2,\n  drain: '2s',");

/** An installation with a server that runs. */
async function world(cli: TestCli): Promise<{ up: Up; url: URL }> {
  const token = await administrator(cli);
  const up = await cli.up();
  const api = apiClient(up, token);
  await api('POST', '/users', { usernames: ['ada'] });
  await api('POST', '/users/ada/server');
  const url = new URL('user/ada/', up.url);
  await expect.poll(async () => (await fetch(url)).text(), SOON).toMatch(/^\d+$/);
  await expect.poll(() => up.state().proxyPids?.length, SOON).toBe(2);
  return { up, url };
}

describe.skipIf(process.platform !== 'linux')('the proxy', () => {
  test(`replaced ${UPGRADES} times under load, it refuses and resets nobody`, {
    timeout: (2 + UPGRADES) * MINUTE,
  }, async () => {
    await using cli = testCli(CONFIG);
    const { up, url } = await world(cli);
    const people = visitors(url, { kept: 6, fresh: 3, sockets: 6 });
    const gone: number[] = [];

    for (let upgrade = 0; upgrade < UPGRADES; upgrade += 1) {
      const { proxyPids = [], upgradedAt } = up.state();
      gone.push(...proxyPids);
      // By the command once; it does nothing but this.
      if (upgrade === 0) await cli.json('restart', '--proxy');
      else process.kill(up.process.pid!, 'SIGUSR1');
      await expect.poll(() => up.state().upgradedAt, SOON).not.toBe(upgradedAt);
      expect(up.state().proxyPids?.filter((pid) => gone.includes(pid))).toEqual([]);
      const { kept, fresh, echoed } = people;
      const allGoOn = () => people.kept > kept + 50 && people.fresh > fresh + 25 && people.echoed > echoed + 50;
      await expect.poll(allGoOn, SOON).toBe(true);
    }
    await expect.poll(() => gone.filter(isRunning), SOON).toEqual([]);
    await people.end();

    const { kept, fresh, opened, echoed, goodbyes, faults } = people;
    console.log(`${UPGRADES} upgrades:`, { kept, fresh, opened, echoed, goodbyes, faults: faults.length });
    expect(faults).toEqual([]);
    expect(goodbyes).toBeGreaterThan(0);
    expect(up.said()).not.toContain('ended (');
  });

  test('one process that is killed takes only its own connections with it, and nobody after it is refused', {
    timeout: 3 * MINUTE,
  }, async () => {
    await using cli = testCli(CONFIG);
    const { up, url } = await world(cli);
    const pids = [...up.state().proxyPids!];
    const held = new Map<number, Socket[]>(pids.map((pid) => [pid, []]));
    // Whoever is awake first takes a connection: until both have some.
    while ([...held.values()].some((sockets) => sockets.length < 2)) {
      const several = await Promise.all(Array.from({ length: 8 }, () => upgraded(url)));
      for (const socket of several) held.get(holderOf(socket, pids)!)!.push(socket);
    }
    const [killed, other] = pids as [number, number];
    const cut = held.get(killed)!.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('close', () => resolve()).on('error', () => {});
        }),
    );

    process.kill(killed, 'SIGKILL');
    await expect.poll(() => isRunning(killed), SOON).toBe(false);
    const after = await Promise.all(Array.from({ length: 20 }, () => fetch(url, { headers: { connection: 'close' } })));

    await Promise.all(cut);
    expect(after.map(({ status }) => status)).toEqual(Array(20).fill(200));
    for (const socket of held.get(other)!) {
      const echo = new Promise((resolve) => socket.once('data', resolve));
      socket.write('still here');
      expect(await echo).toBe('still here');
      socket.destroy();
    }
    // Replaced by one that is found at the same socket.
    await expect.poll(() => up.state().proxyPids?.filter((pid) => !pids.includes(pid)).length, SOON).toBe(1);
    process.kill(other, 'SIGKILL');
    await expect.poll(() => isRunning(other), SOON).toBe(false);
    const socket = await upgraded(url);
    socket.destroy();
  });
});
