import { sharedPassword } from '@atrium/auth-shared-password';
import { defineSpawner, Secret } from '@atrium/sdk';
import { manualClock } from '@atrium/sdk/testing';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { runVerb } from '../commands/commands.service.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { isReady, requestStart, waitForServer } from '../servers/servers.service.ts';
import { startTestHub } from '../testing/index.ts';
import { createUser } from '../users/users.service.ts';
import { runUpkeep } from './upkeep.service.ts';

const WAIT = 15_000;
const authenticator = sharedPassword({ password: new Secret('x') });
const config = { hubKey: new Secret('k') };
const signal = AbortSignal.timeout(120_000);

for (const [kind, skip] of [
  ['sqlite', false],
  ['postgres', !hasPostgres],
] as const) {
  test.skipIf(skip)(
    `a dry run says what would be done, a round does it, and the page shows alerts (${kind})`,
    async () => {
      await using place = kind === 'postgres' ? await testDatabase() : undefined;
      await using world = new EchoWorld();
      const spawner = echoSpawner({ world, upkeep: true });
      const database = place && { database: place.url };
      await using hub = await startTestHub({ spawner, authenticator, config, ...database });
      const { ctx } = hub;
      const ada = await createUser(ctx.db, { name: 'ada', allowedBy: 'administrator', now: ctx.clock.now() });
      if (!ada) throw new Error('ada');
      const asked = await requestStart(ctx, ada, '', { by: 'ada' });
      const ready = await waitForServer(ctx, asked.id, isReady, WAIT);
      world.start(ctx.hubId, { server: 'orphan', generation: 1 }, ctx.clock.now());
      const living = () =>
        world
          .all(ctx.hubId)
          .map(({ server }) => server)
          .sort();

      const dry = await runVerb(ctx, 'upkeep', { dryRun: true });
      expect(dry).toMatchObject([{ code: 'stop_orphan', message: 'orphan belongs to nobody and would be ended.' }]);
      expect(living()).toEqual([ready.id, 'orphan'].sort());

      expect(await runVerb(ctx, 'upkeep', { dryRun: false })).toMatchObject([{ code: 'stop_orphan', alert: true }]);
      expect(living()).toEqual([ready.id]);
      expect(await runVerb(ctx, 'upkeep', { dryRun: false })).toEqual([]);

      const root = await signedIn(hub, 'root', { admin: true });
      expect((await root.get('/hub/admin/plain')).text).toMatch(/1 thing to look at[\s\S]*orphan belongs to nobody/);
    },
  );
}

test.skipIf(!hasPostgres)('of two hubs one does the upkeep, and the other when that one is gone', async () => {
  await using place = await testDatabase();
  await using world = new EchoWorld();
  const clock = manualClock();
  const open = () =>
    startTestHub({
      spawner: echoSpawner({ world, upkeep: true }),
      authenticator,
      config,
      database: place.url,
      clock,
      controller: false,
    });
  await using one = await open();
  await using other = await open();
  const round = (hub: typeof one) => runUpkeep(hub.ctx, { dryRun: false, signal });

  const both = await Promise.all([round(one), round(other)]);
  const [holder, waiter] = both[0] ? [one, other] : [other, one];

  expect(both.filter((actions) => actions !== undefined)).toEqual([[]]);
  await clock.advance(60_000);
  expect([await round(holder), await round(waiter)]).toEqual([[], undefined]);
  await expect(runVerb(waiter.ctx, 'upkeep', { dryRun: false })).rejects.toThrow(/Another hub/);
  expect(await runVerb(waiter.ctx, 'upkeep', { dryRun: true })).toEqual([]);
  await clock.advance(91_000);
  expect(await round(waiter)).toEqual([]);
});

test('upkeep that keeps failing is told on the page, until it works again', async () => {
  const clock = manualClock(Date.now());
  let broken = true;
  const inner = echoSpawner();
  const spawner = defineSpawner({
    id: 'breaking',
    config: z.unknown(),
    async create(_, context) {
      const made = await inner.create(inner.config.parse(inner.options), context);
      return Object.assign(made, {
        maintain: async () => {
          if (broken) throw new Error('the cloud is out of order');
          return [];
        },
      });
    },
  })();
  await using hub = await startTestHub({ spawner, authenticator, clock });
  const root = await signedIn(hub, 'root', { admin: true });
  const told = async () => {
    await clock.advance(60_000);
    return (await root.get('/hub/admin/plain')).text.includes('Upkeep has not worked for some minutes');
  };

  await expect.poll(told, { timeout: WAIT, interval: 50 }).toBe(true);
  broken = false;
  await expect.poll(told, { timeout: WAIT, interval: 50 }).toBe(false);
});

test('a spawner that keeps nothing outside needs no upkeep', async () => {
  await using hub = await startTestHub({ spawner: echoSpawner(), authenticator });

  await expect(runVerb(hub.ctx, 'upkeep', { dryRun: false })).rejects.toThrow(/nothing that needs upkeep/);
});
