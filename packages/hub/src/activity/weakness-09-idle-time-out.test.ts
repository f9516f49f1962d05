import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { apiHub } from '../api/test-hub.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { findServer, requestStart } from '../servers/servers.service.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { stopIdle } from './idle.service.ts';

/*
 * cloudJHub: the configured time-out had no effect, because the culler's command line said another one; it gave up at the
 * first server that nobody had used yet; and it read the first page of people only.
 */

const MINUTE = 60_000;
const WAIT = { timeout: 60_000, interval: 50 };
/** More than a page of the API holds. */
const PEOPLE = 60;

test('everybody’s server ends when the setting says, also those that were never opened', async () => {
  const clock = shiftedClock(Date.UTC(2026, 10, 21, 12));
  await using hub = await apiHub({
    clock,
    config: { idle: { stopAfter: '10m', warnBefore: '2m' } },
    spawner: echoSpawner({ world: new EchoWorld() }),
  });
  const people: { id: number }[] = [];
  for (let n = 0; n < PEOPLE; n += 1) {
    const { user } = await signedIn(hub, `person${n}`);
    await requestStart(hub.ctx, user, '', { by: user.name });
    people.push(user);
  }
  const servers = () => Promise.all(people.map(({ id }) => findServer(hub.ctx.db, id, '')));
  const count = async (phase: string) => (await servers()).filter((server) => server?.phase === phase).length;
  await expect.poll(() => count('ready'), WAIT).toBe(PEOPLE);
  // Half of them as a hub finds them that was restored from a copy of before they were used: nothing is known of work.
  const half = people.slice(0, PEOPLE / 2).map(({ id }) => id);
  await hub.ctx.db.updateTable('servers').set({ last_work: null }).where('user_id', 'in', half).execute();

  clock.move(7 * MINUTE);
  await stopIdle(hub.ctx);
  expect(await count('ready')).toBe(PEOPLE);
  clock.move(MINUTE + 1_000);
  await stopIdle(hub.ctx);
  clock.move(2 * MINUTE);
  await stopIdle(hub.ctx);

  await expect.poll(() => count('stopped'), WAIT).toBe(PEOPLE);
  expect(new Set((await servers()).map((server) => server?.stopReason?.code))).toEqual(new Set(['idle']));
}, 120_000);
