import { expect, test } from 'vitest';
import { apiHub, onBothDatabases } from './test-hub.ts';

const SOON = { timeout: 30_000, interval: 50 };

onBothDatabases((on) => {
  test('[10.2 active limit] a start beyond the limit waits, says its place, and begins when somebody stops', async () => {
    await using hub = await apiHub({ on, config: { start: { activeLimit: 1, slow: 0 } } });
    const [ada, bob] = [await hub.api({ name: 'ada' }), await hub.api({ name: 'bob' })];
    const stateOf = async (name: 'ada' | 'bob') => {
      const { body } = await (name === 'ada' ? ada : bob)('GET', `/users/${name}/server`);
      return body as { ready: boolean; pending: string | null };
    };
    expect((await ada('POST', '/users/ada/server')).status).toBe(202);
    await expect.poll(() => stateOf('ada'), SOON).toMatchObject({ ready: true });

    expect((await bob('POST', '/users/bob/server')).status).toBe(202);
    const [first] = await Promise.all([
      bob('GET', '/users/bob/server/progress'),
      // The stream goes on until the server is ready, which it can only be once this one has stopped.
      expect
        .poll(() => stateOf('bob'), SOON)
        .toMatchObject({ pending: 'spawn', ready: false })
        .then(() => ada('DELETE', '/users/ada/server')),
    ]);

    expect(String(first.body)).toContain('"message":"Place in the queue: 1"');
    expect(String(first.body)).toContain('"ready":true');
    expect(await stateOf('bob')).toMatchObject({ ready: true, pending: null });
  });
});

test('[10.2 429] where a full hub refuses, it says when to come back and counts it', async () => {
  const start = { concurrency: 1, activeLimit: 2, whenFull: 'refuse' as const, slow: 0 };
  await using hub = await apiHub({ startMs: 600_000, config: { start, metrics: { public: true } } });
  const [ada, bob] = [await hub.api({ name: 'ada' }), await hub.api({ name: 'bob' })];
  expect((await ada('POST', '/users/ada/server')).status).toBe(202);
  expect((await ada('POST', '/users/ada/server')).status).toBe(202);

  const refused = await bob('POST', '/users/bob/server');
  const seconds = Number(refused.headers.get('retry-after'));

  expect(refused).toMatchObject({
    status: 429,
    body: { message: `Too many users trying to log in right now. Try again in ${seconds} seconds.` },
  });
  expect(seconds).toBeGreaterThanOrEqual(30);
  expect(seconds).toBeLessThanOrEqual(60);
  expect((await bob('GET', '/users/bob/server')).body).toMatchObject({ stopped: true });
  const metrics = await (await fetch(`${hub.origin}/hub/metrics`)).text();
  expect(metrics).toContain('server_spawn_duration_seconds_count{status="failure",reason="throttled"} 1');
});

test('[10.2 429] so many active servers are refused without a time', async () => {
  await using hub = await apiHub({ config: { start: { activeLimit: 1, whenFull: 'refuse' } } });
  const [ada, bob] = [await hub.api({ name: 'ada' }), await hub.api({ name: 'bob' })];
  expect((await ada('POST', '/users/ada/server')).status).toBe(201);

  const refused = await bob('POST', '/users/bob/server');

  expect(refused).toMatchObject({
    status: 429,
    body: { message: 'Active user limit exceeded. Try again in a few minutes.' },
  });
  expect(refused.headers.has('retry-after')).toBe(false);
});
