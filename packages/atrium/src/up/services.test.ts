import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../../../../tools/free-port.ts';
import { startTimeOf } from '../files/process-info.ts';
import { type TestCli, testCli, type Up } from '../testing/cli.ts';

const SERVICE = fileURLToPath(new URL('../../../hub/src/testing/small-service.mjs', import.meta.url));
const SOON = { timeout: 30_000, interval: 100 };
const LONG = 120_000;

const config = (port: number) => `
import { readFileSync } from 'node:fs';
import { defineConfig, echoSpawner } from 'atrium';
export default defineConfig({
  port: 0,
  spawner: echoSpawner(),
  services: [{
    name: 'small',
    url: 'http://127.0.0.1:${port}',
    command: [process.execPath, ${JSON.stringify(SERVICE)}],
  }],
});
`;

interface Page {
  pid: number;
  path: string;
  env: Record<string, string>;
}

/** What the service answers through the proxy; undefined while it does not. */
async function page(up: Up): Promise<Page | undefined> {
  const reply = await fetch(new URL('services/small/some/page?q=1', up.url));
  return reply.ok ? ((await reply.json()) as Page) : undefined;
}

const pidOf = async (up: Up) => (await page(up))?.pid;

async function tokenOf(cli: TestCli): Promise<string> {
  await cli.run(['user', 'add', 'ada', '--admin', '--password-stdin'], 'correct horse battery');
  return (await cli.json<{ token: string }>('token', 'ada')).token;
}

test('a service runs behind the proxy, outlives every hub, and ends with atrium up', { timeout: LONG }, async () => {
  await using cli = testCli(config(await freePort()));
  const up = await cli.up();
  await expect.poll(() => pidOf(up), SOON).toBeGreaterThan(0);
  const { pid, path, env } = (await page(up))!;
  const startTime = startTimeOf(pid);

  expect(path).toBe('/services/small/some/page?q=1');
  const self = await fetch(`${env.JUPYTERHUB_API_URL}/user`, {
    headers: { authorization: `token ${env.JUPYTERHUB_API_TOKEN}` },
  });
  expect(await self.json()).toMatchObject({ kind: 'service', name: 'small' });
  await cli.json('restart');
  expect(await pidOf(up)).toBe(pid);
  const { hubPid } = up.state();
  process.kill(hubPid!, 'SIGKILL');
  await expect.poll(() => up.state().hubPid, SOON).not.toBe(hubPid);
  expect(await pidOf(up)).toBe(pid);
  // One that ends while there is a new hub is started again, and that hub knows.
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => pidOf(up), SOON).not.toBe(undefined);
  const next = (await pidOf(up))!;
  expect(next).not.toBe(pid);
  expect(startTimeOf(pid)).not.toBe(startTime);
  const log = join(cli.places.logDir, 'service-small.log');
  await expect.poll(() => existsSync(log) && readFileSync(log, 'utf8'), SOON).toContain('small service: begun');

  expect(await up.end('SIGTERM')).toBe(0);

  expect(startTimeOf(next)).toBeUndefined();
});

test('one whose atrium up was killed gives way to that of the next', { timeout: LONG }, async () => {
  await using cli = testCli(config(await freePort()));
  const first = await cli.up();
  await expect.poll(() => pidOf(first), SOON).toBeGreaterThan(0);
  const pid = (await pidOf(first))!;
  await first.end('SIGKILL');
  expect(startTimeOf(pid)).toBeDefined();

  const second = await cli.up();

  await expect.poll(() => startTimeOf(pid), SOON).toBeUndefined();
  await expect.poll(() => pidOf(second), SOON).toBeGreaterThan(0);
  expect(await second.end()).toBe(0);
});

test('POST /shutdown ends hub, proxy and services', { timeout: LONG }, async () => {
  await using cli = testCli(config(await freePort()));
  const token = await tokenOf(cli);
  const up = await cli.up();
  await expect.poll(() => pidOf(up), SOON).toBeGreaterThan(0);
  const pid = (await pidOf(up))!;
  const ended = new Promise<number | null>((resolve) => up.process.once('close', resolve));

  const reply = await fetch(new URL('hub/api/shutdown', up.url), {
    method: 'POST',
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ proxy: true, servers: true }),
  });

  expect([reply.status, await reply.json()]).toEqual([202, { message: 'Shutting down Hub' }]);
  expect(await ended).toBe(0);
  expect(startTimeOf(pid)).toBeUndefined();
});
