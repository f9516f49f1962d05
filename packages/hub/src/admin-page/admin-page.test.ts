import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, onTestFinished, test } from 'vitest';
import { ensureAdminPage } from '../../../../scripts/lib/admin-page.mjs';
import { root as clone } from '../../../../scripts/lib/root.mjs';
import { signedIn } from '../pages/testing/signed-in.ts';
import { startTestHub } from '../testing/index.ts';
import { readBuiltPage } from './files.ts';

const open = () =>
  startTestHub({
    spawner: echoSpawner({}),
    authenticator: sharedPassword({ password: new Secret('x') }),
    config: { access: { allowAll: true }, roles: [{ name: 'desk', scopes: ['admin-ui'], users: ['emmy'] }] },
  });

test('every view is for whoever has admin-ui; anybody else is refused, and nobody signs in first', async () => {
  await using hub = await open();
  const people = { root: await signedIn(hub, 'root', { admin: true }), emmy: await signedIn(hub, 'emmy') };
  const bob = await signedIn(hub, 'bob');

  for (const path of ['/hub/admin', '/hub/admin/people', '/hub/admin/people/ada%40b', '/hub/admin/servers']) {
    expect((await people.root.get(path)).status, path).toBe(200);
    expect((await people.emmy.get(path)).status, path).toBe(200);
    expect((await bob.get(path)).status, path).toBe(403);
    const anonymous = await hub.browser().fetch(path);
    expect([anonymous.status, anonymous.headers.get('location')]).toEqual([
      302,
      `/hub/login?next=${encodeURIComponent(path)}`,
    ]);
  }
  expect((await people.root.get('/hub/admin/nothing')).status).toBe(404);
}, 60_000);

test('the frame names its files by their content; they come small and may be kept for ever', async () => {
  await ensureAdminPage(clone);
  await using hub = await open();
  const { text } = await (await signedIn(hub, 'root', { admin: true })).get('/hub/admin');
  const script = /<script src="([^"]+admin\.js)" defer>/.exec(text)?.[1] ?? '';
  const fetched = async (path: string, encoding: string) =>
    fetch(new URL(path, hub.origin), { headers: { 'accept-encoding': encoding } });

  const whole = await fetched(script, 'identity');
  const other = await fetched(script.replace(/static\/[^/]+/, 'static/0000000000'), 'gzip');

  expect(whole.headers.get('cache-control')).toContain('immutable');
  expect(whole.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(other.headers.get('cache-control')).toBe('no-cache');
  expect(other.headers.get('content-encoding')).toBe('gzip');
  // fetch has unpacked it.
  expect(await other.text()).toBe(await whole.text());
  expect(text).toContain('data-facts="{&quot;base&quot;:&quot;/&quot;');
  expect(text).not.toMatch(/<script>|<style/);
}, 120_000);

test('what was built is read with its packed form; where nothing was built there is none', () => {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-admin-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const folder = pathToFileURL(`${dir}/`);
  expect(readBuiltPage(folder)).toBeUndefined();

  writeFileSync(join(dir, 'admin.js'), 'alert(1)');
  writeFileSync(join(dir, 'admin.css'), 'a{}');

  const built = readBuiltPage(folder);
  expect(gunzipSync(built?.['admin.js'].gzipped ?? '').toString()).toBe('alert(1)');
  expect(built?.['admin.js'].version).not.toBe(built?.['admin.css'].version);
});
