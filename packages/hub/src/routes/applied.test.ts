import { request } from 'node:http';
import type { Clock, RouteMessage } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { apiHub } from '../api/test-hub.ts';
import type { TestHub } from '../testing/index.ts';
import { localWakeups } from '../wakeups.ts';
import { appliedRoutes } from './applied.ts';

const WAIT = { timeout: 15_000, interval: 10 };
const never = new AbortController().signal;

/** A clock that goes on when the test says so. */
function handClock() {
  let now = 1_000_000;
  const sleepers = new Set<{ until: number; wake(): void }>();
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleepers.add({ until: now + ms, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  return {
    clock,
    pass(ms: number) {
      now += ms;
      for (const { until, wake } of sleepers) if (until <= now) wake();
    },
  };
}

/** What one hub said, the other has heard. */
async function heard(): Promise<false> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return false;
}

/** Whether it has ended, after whatever was under way. */
const ended = (waiting: Promise<void>): Promise<boolean> => Promise.race([waiting.then(() => true), heard()]);

/** The books of two hubs that hear one another. */
function twoHubs() {
  const { clock, pass } = handClock();
  const wakeups = localWakeups();
  const book = (instanceId: string) => appliedRoutes({ clock, wakeups, instanceId, others: true });
  return { one: book('one'), two: book('two'), pass };
}

test('a start waits for every proxy that follows, and for nobody when none does', async () => {
  const { one } = twoHubs();
  expect(await ended(one.wait(5, never))).toBe(true);
  one.follows('a', 4);
  const leave = one.follows('b', 0);

  const waiting = one.wait(5, never);
  one.applied('a', 7);
  expect(await ended(waiting)).toBe(false);
  one.applied('b', 4);
  expect(await ended(waiting)).toBe(false);
  one.applied('b', 5);
  expect(await ended(waiting)).toBe(true);

  const next = one.wait(6, never);
  expect(await ended(next)).toBe(false);
  leave();
  expect(await ended(next)).toBe(true);
  const cancelled = new AbortController();
  const last = one.wait(9, cancelled.signal);
  expect(await ended(last)).toBe(false);
  cancelled.abort();
  expect(await ended(last)).toBe(true);
});

test('a proxy that says nothing holds up one start for a second, and nobody after that until it has caught up', async () => {
  const { one, pass } = twoHubs();
  one.follows('a', 1);

  const first = one.wait(5, never);
  pass(999);
  expect(await ended(first)).toBe(false);
  pass(1);
  expect(await ended(first)).toBe(true);
  expect(await ended(one.wait(6, never))).toBe(true);
  one.applied('a', 4);
  expect(await ended(one.wait(6, never))).toBe(true);
  one.applied('a', 5);
  expect(await ended(one.wait(6, never))).toBe(false);
});

test('of several hubs each waits for the proxies of all, until a hub has none or is silent', async () => {
  const { one, two, pass } = twoHubs();
  const leave = two.follows('far', 3);
  await heard();
  expect(await ended(one.wait(3, never))).toBe(true);

  const waiting = one.wait(4, never);
  expect(await ended(waiting)).toBe(false);
  two.applied('far', 4);
  expect(await ended(waiting)).toBe(true);
  const next = one.wait(5, never);
  expect(await ended(next)).toBe(false);
  leave();
  expect(await ended(next)).toBe(true);

  two.follows('far', 4);
  await heard();
  expect(await ended(one.wait(5, never))).toBe(false);
  pass(15_001);
  expect(await ended(one.wait(6, never))).toBe(true);
  two.announce();
  two.applied('far', 6);
  await heard();
  expect(await ended(one.wait(6, never))).toBe(true);
  expect(await ended(one.wait(7, never))).toBe(false);
});

/** A proxy as the hub sees it: follows the routes, and says what it has when the test wants that. */
async function fakeProxy(hub: TestHub, name: string) {
  const control = await hub.hub.listenControl({ host: '127.0.0.1', port: 0 });
  if (control.kind !== 'tcp') throw new Error('listens on TCP');
  const { port } = control;
  const paths = new Map<string, number>();
  const stream = request({ host: '127.0.0.1', port, path: `/routes?proxy=${name}` }, (answer) => {
    let rest = '';
    answer.on('error', () => {});
    answer.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const message of lines.map((line) => JSON.parse(line) as RouteMessage)) {
        if (message.type === 'change') for (const { path } of message.set) paths.set(path, message.version);
      }
    });
  });
  stream.on('error', () => {}).end();
  await expect.poll(() => hub.ctx.vitals.proxies, WAIT).toBe(1);
  return {
    paths,
    /** @returns the status */
    says: (version: unknown) =>
      fetch(`http://127.0.0.1:${port}/routes/applied`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ proxy: name, version }),
      }).then(({ status }) => status),
  };
}

test('a server is ready when the proxy says that it has the route, and not before', async () => {
  await using hub = await apiHub();
  const proxy = await fakeProxy(hub, 'one');
  const root = await hub.api({ name: 'root', admin: true });
  const ready = async () => {
    const { body } = await root('GET', '/users/root');
    return (body as { servers: Record<string, { ready: boolean }> }).servers['']?.ready;
  };

  const started = root('POST', '/users/root/server');
  await expect.poll(() => proxy.paths.has('/user/root'), WAIT).toBe(true);
  expect(await ready()).toBe(false);
  expect(await proxy.says('later')).toBe(400);
  expect(await ready()).toBe(false);
  expect(await proxy.says(proxy.paths.get('/user/root'))).toBe(204);

  expect((await started).status).toBe(201);
  expect(await ready()).toBe(true);
});
