import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../../tools/test-postgres.ts';
import { hashToken } from '../../keys.ts';
import { startTestHub, type TestHub } from '../../testing/index.ts';
import { createUser } from '../../users/users.service.ts';
import { findServerById, isReady, readEvents, requestStart, requestStop, waitForServer } from '../servers.service.ts';

const WAIT = 15_000;
const KEY = 'known to the machine alone';
const authenticator = sharedPassword({ password: new Secret('x') });

async function machineHub(database?: string) {
  const spawner = echoSpawner({ machineKey: KEY });
  const hub = await startTestHub({
    spawner,
    authenticator,
    config: { trustedProxies: ['127.0.0.1'] },
    ...(database !== undefined && { database }),
  });
  const { ctx } = hub;
  const ada = await createUser(ctx.db, { name: 'ada', allowedBy: 'administrator', now: ctx.clock.now() });
  if (!ada) throw new Error('ada');
  const asked = await requestStart(ctx, ada, '', { by: 'ada' });
  const starting = await waitForServer(ctx, asked.id, ({ phase }) => phase === 'starting', WAIT);
  return { hub, ada, starting };
}

/** What a machine says. `from` is the address that a front server saw. */
async function say(hub: TestHub, verb: string, body: unknown, from = '10.0.0.7') {
  const response = await fetch(`${hub.origin}/hub/api/atrium/workers/${verb}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

const userOf = (hub: TestHub, token: unknown) =>
  fetch(`${hub.origin}/hub/api/user`, { headers: { authorization: `token ${token}` } }).then(({ status }) => status);

for (const [database, skip] of [
  ['sqlite', false],
  ['postgres', !hasPostgres],
] as const) {
  test.skipIf(skip)(
    `a machine is given a token, tells its steps, and its server becomes ready (${database})`,
    async () => {
      await using place = database === 'postgres' ? await testDatabase() : undefined;
      const { hub, starting } = await machineHub(place?.url);
      await using _ = hub;
      const { ctx } = hub;
      const machine = { key: KEY, server: starting.id };

      const first = await say(hub, 'hello', machine);
      const second = await say(hub, 'hello', machine);

      expect(first).toMatchObject({
        status: 200,
        body: { user: 'ada', name: '', prefix: '/user/ada/', phase: 'starting' },
      });
      expect(first.body.env).toMatchObject({ JUPYTERHUB_USER: 'ada', JUPYTERHUB_SERVICE_PREFIX: '/user/ada/' });
      expect(second.body.token).toMatch(/^[0-9a-f]{32}$/);
      // Each answer has a token of its own, and ends the one before.
      expect([await userOf(hub, first.body.token), await userOf(hub, second.body.token)]).toEqual([403, 200]);
      const client = await ctx.db.selectFrom('oauth_clients').select('secret_hash').executeTakeFirstOrThrow();
      const row = await findServerById(ctx.db, starting.id);
      expect(row?.tokenNumber).toBe(2);
      expect(ctx.keys.serverToken(starting.id, 1, 2).reveal()).toBe(second.body.token);

      await say(hub, 'step', { ...machine, percent: 40, message: 'Home mounted' });
      await say(hub, 'step', { ...machine, percent: 40, message: 'Home mounted' });
      await say(hub, 'ready', machine);
      const ready = await waitForServer(ctx, starting.id, isReady, WAIT);

      expect(isReady(ready)).toBe(true);
      const story = await readEvents(ctx.db, ready.id, 1, 0);
      expect(story.filter(({ message }) => message === 'Home mounted')).toHaveLength(1);
      // Once it runs, nothing makes a new token: what the server holds stays good.
      expect((await say(hub, 'hello', machine)).status).toBe(404);
      expect(await userOf(hub, second.body.token)).toBe(200);
      expect(client.secret_hash).toBe(hashToken(String(second.body.token)));

      const later = ctx.clock.now() + 3_600_000;
      await say(hub, 'worked', { ...machine, at: later });
      const worked = await findServerById(ctx.db, ready.id);
      expect(worked?.lastWork).toBeGreaterThanOrEqual(ready.lastWork ?? 0);
      expect(worked?.lastWork).toBeLessThan(later);

      await requestStop(ctx, ready, { code: 'user', by: 'ada' });
      await waitForServer(ctx, ready.id, ({ phase }) => phase === 'stopped', WAIT);
      expect(await userOf(hub, second.body.token)).toBe(403);
      expect((await say(hub, 'hello', machine)).status).toBe(202);
    },
  );
}

test('answers that cross leave exactly one token that counts', async () => {
  const { hub, starting } = await machineHub();
  await using _ = hub;

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => say(hub, 'hello', { key: KEY, server: starting.id })),
  );
  const statuses = await Promise.all(answers.map(({ body }) => userOf(hub, body.token)));

  expect(new Set(answers.map(({ body }) => body.token)).size).toBe(8);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
});

test('what is not understood or not believed is refused, and the client is not told why', async () => {
  const { hub, starting } = await machineHub();
  await using _ = hub;

  const wrong = await say(hub, 'hello', { key: 'guessed', server: starting.id });
  const big = await say(hub, 'hello', { key: KEY, server: 'x'.repeat(70_000) });

  expect(wrong).toMatchObject({ status: 403, body: { status: 403, message: 'Not recognised.' } });
  expect(JSON.stringify(wrong.body)).not.toContain('key is wrong');
  expect(big.status).toBe(413);
  expect((await say(hub, 'hello', '[1')).status).toBe(400);
  expect((await say(hub, 'hello', [1])).status).toBe(400);
  expect((await say(hub, 'No%20verb', {})).status).toBe(404);
  expect((await say(hub, 'hello', { key: KEY, server: 'nobody' })).body).toMatchObject({ wait: 1 });
});

test('an address that sends junk is told to wait; other addresses are not', async () => {
  const { hub, starting } = await machineHub();
  await using _ = hub;
  const junk = await Promise.all(Array.from({ length: 80 }, () => say(hub, 'hello', '{', '10.9.9.9')));

  const next = await say(hub, 'hello', { key: KEY, server: starting.id }, '10.9.9.9');

  expect(junk[0]?.status).toBe(400);
  expect(next).toMatchObject({ status: 429, body: { status: 429 } });
  expect(Number(next.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await say(hub, 'hello', { key: KEY, server: starting.id }, '10.9.9.8')).status).toBe(200);
});

test('without such machines there is no door', async () => {
  await using hub = await startTestHub({ spawner: echoSpawner(), authenticator });

  expect((await say(hub, 'hello', {})).status).toBe(404);
});
