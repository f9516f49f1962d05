import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { apiHub, onBothDatabases } from '../api/test-hub.ts';
import type { TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';

const WAIT = 10_000;

async function readiness(hub: TestHub): Promise<{ status: number; codes: string[] }> {
  const reply = await fetch(`${hub.origin}/hub/health/ready`);
  const { ready, reasons } = (await reply.json()) as { ready: boolean; reasons: { code: string }[] };
  expect(ready).toBe(reply.status === 200);
  return { status: reply.status, codes: reasons.map(({ code }) => code) };
}

/** Follows the route stream as the proxy does; it has been told all there is, and waits. */
async function follow(hub: TestHub): Promise<Disposable> {
  const control = await hub.hub.listenControl({ host: '127.0.0.1', port: 0 });
  if (control.kind !== 'tcp') throw new Error('listens on TCP');
  const stream = request({ host: '127.0.0.1', port: control.port, path: '/routes' });
  stream.on('error', () => {}).end();
  const [answer] = (await once(stream, 'response')) as [IncomingMessage];
  let said = '';
  answer
    .on('error', () => {})
    .on('data', (chunk) => {
      said += chunk;
    });
  // While it still reads, a database that goes takes it with it.
  await expect.poll(() => said, { timeout: WAIT }).toContain('"type":"ping"');
  return { [Symbol.dispose]: () => void stream.destroy() };
}

onBothDatabases((on) => {
  test('a hub with controller, proxy and database is ready; without its proxy it is not', async () => {
    await using hub = await apiHub({ on });
    expect(await readiness(hub)).toEqual({ status: 503, codes: ['proxy'] });

    const proxy = await follow(hub);
    await expect.poll(() => readiness(hub), { timeout: WAIT }).toEqual({ status: 200, codes: [] });

    proxy[Symbol.dispose]();
    await expect.poll(() => readiness(hub), { timeout: WAIT }).toEqual({ status: 503, codes: ['proxy'] });
  });

  test('a database of another schema, and one that is gone, are told apart; the process still lives', async () => {
    await using hub = await apiHub({ on, controller: false });
    using _ = await follow(hub);
    await expect.poll(() => readiness(hub), { timeout: WAIT }).toEqual({ status: 503, codes: ['controller'] });

    await sql`update schema_version set version = version + 1`.execute(hub.ctx.db);
    expect((await readiness(hub)).codes).toEqual(['migrations', 'controller']);

    await hub.ctx.db.destroy();
    expect((await readiness(hub)).codes).toEqual(['database', 'controller']);
    const alive = await fetch(`${hub.origin}/hub/health`);
    expect([alive.status, await alive.text()]).toEqual([200, '']);
  });
});

test('a controller that has not finished a look for a while is stalled', async () => {
  const clock = shiftedClock(Date.UTC(2026, 10, 21));
  await using hub = await apiHub({ clock, controller: false });
  hub.ctx.vitals.controllerLooked();
  expect((await readiness(hub)).codes).toEqual(['proxy']);

  clock.move(17_000);

  const reply = await fetch(`${hub.origin}/hub/health/ready`);
  expect(await reply.json()).toMatchObject({
    reasons: [
      { code: 'proxy' },
      { code: 'controller', message: 'The controller has not finished a look for 16 seconds.' },
    ],
  });
});
