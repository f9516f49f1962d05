import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { keepCalendar } from '../calendar/calendar.service.ts';
import type { HubConfigInput } from '../config/schema.ts';
import { mendRuns, readMeters, usageOf } from '../money/ledger.service.ts';
import { lookAtMoney } from '../money/loop.service.ts';
import { monthOf } from '../money/period.ts';
import { findServer, requestStart, requestStop } from '../servers/servers.service.ts';
import { createUser, findUser, updateUser } from '../users/users.service.ts';
import { startTestHub, type TestHub } from './index.ts';
import { shiftedClock } from './shifted-clock.ts';

const HOUR = 3_600_000;
const WAIT = { timeout: 20_000, interval: 50 };
/** Monday 08:51 in Zurich. */
const MORNING = Date.UTC(2026, 10, 23, 7, 51);
const PEOPLE = ['ada', 'bob', 'cyd'];
const quiet = new AbortController().signal;

async function openBoth(config: Partial<HubConfigInput>, metered: boolean) {
  const database = await testDatabase();
  const world = new EchoWorld();
  const clock = shiftedClock(MORNING);
  const profiles = [{ id: 'small', title: 'Small', perHour: 0.5 }];
  const open = () =>
    startTestHub({
      spawner: echoSpawner({ world, metered, profiles }),
      authenticator: sharedPassword({ password: new Secret('x') }),
      config: { hubKey: new Secret('k'), ...config },
      database: database.url,
      clock,
    });
  const hubs = [await open(), await open()] as const;
  for (const name of PEOPLE) {
    const user = await createUser(hubs[0].ctx.db, { name, allowedBy: 'administrator', now: clock.now() });
    if (user) await updateUser(hubs[0].ctx.db, user.id, { authGroups: ['bio'] });
  }
  return {
    hubs,
    clock,
    async [Symbol.asyncDispose]() {
      for (const hub of hubs) await hub[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function serverOf({ ctx }: TestHub, name: string) {
  const user = await findUser(ctx.db, name);
  return user && findServer(ctx.db, user.id, '');
}
const seen = (hub: TestHub) =>
  Promise.all(
    PEOPLE.map(async (name) => {
      const server = await serverOf(hub, name);
      return `${server?.phase} ${server?.generation}`;
    }),
  );
const all = (text: string) => PEOPLE.map(() => text);

test.skipIf(!hasPostgres).for([true, false])(
  'two hubs on one database count an hour once (the spawner reports what it costs: %s)',
  async (metered) => {
    await using both = await openBoth({}, metered);
    const { hubs, clock } = both;
    for (const [at, name] of PEOPLE.entries()) {
      const { ctx } = hubs[at % 2 === 0 ? 0 : 1];
      const user = await findUser(ctx.db, name);
      if (user) await requestStart(ctx, user, '', { by: name });
    }
    await expect.poll(() => seen(hubs[0]), WAIT).toEqual(all('ready 1'));

    for (let hour = 0; hour < 4; hour += 1) {
      clock.move(HOUR / 2);
      await Promise.all(hubs.map(({ ctx }) => lookAtMoney(ctx, quiet)));
      // And when a hub's lease ran out while it was reading: both at once, with nothing between them.
      await Promise.all(hubs.flatMap(({ ctx }) => [mendRuns(ctx), readMeters(ctx, quiet)]));
    }
    for (const name of PEOPLE) {
      const server = await serverOf(hubs[1], name);
      if (server) await requestStop(hubs[1].ctx, server, { code: 'user' });
    }
    await expect.poll(() => seen(hubs[1]), WAIT).toEqual(all('stopped 1'));
    clock.move(HOUR);
    await Promise.all(hubs.flatMap(({ ctx }) => [mendRuns(ctx), readMeters(ctx, quiet)]));

    for (const name of PEOPLE) {
      expect(await usageOf(hubs[0].ctx, name, monthOf(MORNING))).toMatchObject({ hours: 2, dollars: 1 });
    }
  },
);

test.skipIf(!hasPostgres)('two hubs on one database start a lesson once, and stop what is unused once', async () => {
  const lesson = {
    group: 'bio',
    days: ['mon' as const],
    start: '09:00',
    end: '10:30',
    timeZone: 'Europe/Zurich',
  };
  await using both = await openBoth({ calendar: [lesson] }, false);
  const { hubs, clock } = both;

  for (let round = 0; round < 3; round += 1) {
    await Promise.all(hubs.map(({ ctx }) => keepCalendar(ctx)));
    // The lease of the one that did it is over at once: the other one looks, too.
    await hubs[0].ctx.db.deleteFrom('leases').execute();
  }
  await expect.poll(() => seen(hubs[0]), WAIT).toEqual(all('ready 1'));
  clock.set(Date.UTC(2026, 10, 23, 8, 20));
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(hubs.map(({ ctx }) => keepCalendar(ctx)));
    await hubs[0].ctx.db.deleteFrom('leases').execute();
  }
  await expect.poll(() => seen(hubs[1]), WAIT).toEqual(all('stopped 1'));
  await Promise.all(hubs.map(({ ctx }) => keepCalendar(ctx)));
  expect(await seen(hubs[1])).toEqual(all('stopped 1'));
});
