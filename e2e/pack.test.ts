import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../packages/atrium/setup/run.mjs';
import { TINY_SERVERS, testCli } from '../packages/atrium/src/testing/cli.ts';
import { type Packed, packAtrium } from '../scripts/lib/pack.mjs';
import { administrator, apiClient, serversOf } from './lib/api-client.ts';
import { installPacked } from './lib/packed.ts';

let dir: string;
let packed: Packed;
/** The installed command. */
let atrium: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'atrium-pack-'));
  // As root, hub and proxy run as another account, which has to read the program.
  chmodSync(dir, 0o755);
  packed = await packAtrium(join(dir, 'archive'));
  atrium = await installPacked(packed.file, join(dir, 'installed'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Everything that a configuration file can import, whether it is used or not. */
const EVERYTHING = TINY_SERVERS.replace(
  'defineConfig, processSpawner',
  'defineConfig, echoSpawner, ec2Spawner, password, processSpawner, Secret, secret, sharedPassword',
);

const ON_AWS = `
import { defineConfig, ec2Spawner } from 'atrium';
export default defineConfig({
  cluster: { name: 'class', source: { npm: '0.1.0' } },
  spawner: ec2Spawner({ profiles: [{ id: 'small', title: 'Small', types: ['t3.medium'] }] }),
});
`;

const cliOf = (config: string) => testCli(config, {}, [atrium]);

test('the archive holds the program and the agent, and no source', async () => {
  const names = (await run('tar', ['-tzf', packed.file])).trim().split('\n');
  expect(names).toContain('package/node_modules/@atrium/agent/dist/atrium-agent.mjs');
  expect(names).toContain('package/node_modules/@atrium/agent/units/setup.sh');
  expect(names).toContain('package/node_modules/@atrium/hub/static/admin/admin.js');
  expect(
    names.filter((name) => /\.ts$|\.test\.|\/test-|\/testing\/|^package\/node_modules\/(?!@atrium\/)/.test(name)),
  ).toEqual([]);
  expect(packed.sha256).toBe(createHash('sha256').update(readFileSync(packed.file)).digest('hex'));
  const again = await packAtrium(join(dir, 'again'));
  expect(again.sha256).toBe(packed.sha256);
}, 60_000);

test('installed, it says its version, checks configurations, and starts servers for people', async () => {
  await using cli = cliOf(EVERYTHING);
  const { version } = JSON.parse(readFileSync(join(dirname(atrium), '..', 'package.json'), 'utf8'));
  expect((await run(process.execPath, [atrium, '--version'])).trim()).toBe(`atrium ${version}`);
  const token = await administrator(cli);
  const up = await cli.up();
  const page = await fetch(new URL('hub/login', up.url));
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('type="password"')]);
  const style = /href="([^"]+\.css[^"]*)"/.exec(await (await fetch(new URL('hub/login', up.url))).text())?.[1];
  expect((await fetch(new URL(style ?? 'missing', up.url))).status).toBe(200);

  const api = apiClient(up, token);
  expect((await api('POST', '/users/ada/server')).status).toBeLessThan(300);
  await expect.poll(async () => (await serversOf(api)).get('ada')?.ready, { timeout: 20_000 }).toBe(true);
  const { pid } = up.state();
  process.kill(pid, 'SIGHUP');
  expect((await api('DELETE', '/users/ada/server')).status).toBeLessThan(300);
  expect(await up.end('SIGTERM')).toBe(0);
}, 60_000);

test('installed, it has what clusters on AWS need', async () => {
  await using cli = cliOf(ON_AWS);
  const checked = await cli.run(['config', 'check']);
  expect(checked.code, checked.err).toBe(0);
  // Its libraries are loaded; nobody is at that address.
  const nowhere = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_REGION: 'us-east-1', AWS_MAX_ATTEMPTS: '1' };
  await using away = testCli(ON_AWS, { ...nowhere, AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'none' }, [
    atrium,
  ]);
  const plan = await away.run(['cluster', 'plan']);
  expect(plan.err + plan.out).toMatch(/ECONNREFUSED/);
}, 60_000);
