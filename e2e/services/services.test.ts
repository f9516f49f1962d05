import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { TestCli, Up } from '../../packages/atrium/src/testing/cli.ts';
import { type TestBrowser, testBrowser } from '../../packages/hub/src/testing/browser.ts';
import { freePort } from '../../tools/free-port.ts';
import { testPython, testPython5, testServicePackages } from '../../tools/test-machine.ts';
import { administrator, apiClient } from '../lib/api-client.ts';
import { testCli } from '../lib/hub.ts';

const SOON = { timeout: 60_000, interval: 200 };
const PASSWORD = 'quiet lanterns over the river';
const python = testPython() ?? '';
const packages = testServicePackages() ?? '';
const canRun = python !== '' && packages !== '';
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Bob is in the group that may open the service `whoami`, cyd is in none. */
const config = (services: object[], roles: object[] = [], basePath = '/') => `
import { defineConfig, echoSpawner } from 'atrium';
export default defineConfig({
  port: 0,
  basePath: '${basePath}',
  spawner: echoSpawner(),
  access: { allowExistingUsers: true },
  groups: { class: { users: ['bob'] } },
  services: ${JSON.stringify(services)},
  roles: ${JSON.stringify([
    {
      name: 'visitors',
      scopes: services.map((each) => `access:services!service=${(each as { name: string }).name}`),
      groups: ['class'],
    },
    ...roles,
  ])},
});
`;

async function addPerson(cli: TestCli, name: string): Promise<void> {
  const added = await cli.run(['user', 'add', name, '--password-stdin'], PASSWORD);
  if (added.code !== 0) throw new Error(added.err);
}

async function signIn(up: Up, name: string): Promise<TestBrowser> {
  const browser = testBrowser(new URL(up.url).origin);
  const login = new URL('hub/login', up.url).pathname;
  const reply = await browser.submit(login, { username: name, password: PASSWORD });
  expect(reply.status).toBe(302);
  return browser;
}

/** Waits until it answers by itself, whatever that is. */
const answers = (service: { url: string }, path: string) =>
  expect
    .poll(
      async () => (await fetch(new URL(path, service.url), { redirect: 'manual' }).catch(() => undefined))?.status,
      SOON,
    )
    .toBeLessThan(500);

for (const [version, environment] of [
  ['6.1', python],
  ['5.5', testPython5() ?? ''],
] as const) {
  test.skipIf(environment === '')(`a HubOAuth service of JupyterHub ${version} knows its visitors`, async () => {
    const basePath = version === '6.1' ? '/jupyter/' : '/';
    const whoami = {
      name: 'whoami',
      url: `http://127.0.0.1:${await freePort()}`,
      command: [join(environment, 'bin', 'python'), file('./oauth-service.py')],
      allowedScopes: ['read:users!user'],
    };
    await using cli = testCli(config([whoami], [], basePath));
    const root = await administrator(cli);
    for (const name of ['bob', 'cyd']) await addPerson(cli, name);
    const up = await cli.up();
    const prefix = `${basePath}services/whoami/`;
    await answers(whoami, prefix);
    const bob = await signIn(up, 'bob');

    // Asked once whether this service may know him; his answer holds.
    const asked = await bob.follow(prefix);
    const page = await asked.text();
    expect([asked.status, page]).toEqual([200, expect.stringContaining('whoami')]);
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const xsrf = /name="_xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const agreed = await bob.fetch(action, {
      method: 'POST',
      body: new URLSearchParams([
        ['_xsrf', xsrf],
        ['scopes', 'read:users!user'],
      ]),
    });
    expect(agreed.status).toBe(302);
    const seen = await bob.follow(new URL(agreed.headers.get('location') ?? '', up.url).href);
    expect(await seen.json()).toMatchObject({
      kind: 'user',
      name: 'bob',
      groups: ['class'],
      scopes: expect.arrayContaining(['access:services!service=whoami', 'read:users!user=bob']),
    });
    expect(await (await bob.follow(prefix)).json()).toMatchObject({ name: 'bob' });

    const cyd = await signIn(up, 'cyd');
    expect((await cyd.follow(prefix)).status).toBe(403);
    const stranger = testBrowser(new URL(up.url).origin);
    const sent = await stranger.follow(prefix);
    expect([sent.status, await sent.text()]).toEqual([200, expect.stringContaining('Sign in')]);
    // His tokens say which application they are for.
    const tokens = await apiClient(up, root)('GET', '/users/bob/tokens');
    expect(((await tokens.json()) as { api_tokens: object[] }).api_tokens).toEqual(
      expect.arrayContaining([expect.objectContaining({ oauth_client: 'whoami' })]),
    );
  });
}

test.skipIf(!canRun)('a HubAuth service with Flask, and one whose visitors are not asked', async () => {
  const env = { PYTHONPATH: packages };
  const flask = {
    name: 'flask',
    url: `http://127.0.0.1:${await freePort()}`,
    command: [join(python, 'bin', 'python'), file('./flask-service.py')],
    environment: env,
  };
  const quiet = {
    name: 'quiet',
    url: `http://127.0.0.1:${await freePort()}`,
    command: [join(python, 'bin', 'python'), file('./oauth-service.py')],
    oauthNoConfirm: true,
    display: false,
  };
  await using cli = testCli(config([flask, quiet]));
  await administrator(cli);
  await addPerson(cli, 'bob');
  const { token } = await cli.json<{ token: string }>('token', 'bob');
  const up = await cli.up();
  await answers(flask, '/services/flask/');
  await answers(quiet, '/services/quiet/');
  const ask = (text: string) =>
    fetch(new URL('services/flask/', up.url), { headers: { authorization: `token ${text}` } });

  expect(await (await ask(token)).json()).toMatchObject({ kind: 'user', name: 'bob', groups: ['class'] });
  expect((await ask('not-a-token')).status).toBe(401);
  const bob = await signIn(up, 'bob');
  expect(await (await bob.follow('/services/quiet/')).json()).toMatchObject({ name: 'bob' });

  // The menu of pages: what is shown, and to whom.
  const home = await (await bob.follow('/hub/home')).text();
  expect(home).toContain('href="/services/flask/"');
  expect(home).not.toContain('href="/services/quiet/"');
  await addPerson(cli, 'cyd');
  const other = await (await (await signIn(up, 'cyd')).follow('/hub/home')).text();
  expect(other).not.toContain('/services/flask/');
});

test.skipIf(!canRun)('jupyterhub-idle-culler stops what nobody uses', async () => {
  const culler = {
    name: 'culler',
    command: [join(python, 'bin', 'python'), '-m', 'jupyterhub_idle_culler', '--timeout=3', '--cull-every=1'],
    environment: { PYTHONPATH: packages },
  };
  const role = {
    name: 'culler',
    scopes: ['list:users', 'read:users:activity', 'read:servers', 'delete:servers'],
    services: ['culler'],
  };
  await using cli = testCli(config([culler], [role]));
  const api = await administrator(cli);
  const up = await cli.up();
  const ada = apiClient(up, api);
  for (const path of ['/users/ada/server', '/users/ada/servers/two']) {
    expect([201, 202]).toContain((await ada('POST', path)).status);
  }
  const ready = async () => {
    const { servers } = (await (await ada('GET', '/users/ada')).json()) as { servers: Record<string, object> };
    return Object.keys(servers);
  };
  expect((await ready()).length).toBeGreaterThan(0);

  await expect.poll(ready, SOON).toEqual([]);
  const { servers } = (await (await ada('GET', '/users/ada?include_stopped_servers=1')).json()) as {
    servers: Record<string, { stopped: boolean }>;
  };
  expect(Object.values(servers).every(({ stopped }) => stopped)).toBe(true);
});

test.skipIf(!canRun)('jupyterhub-singleuser is a notebook server of a group', async () => {
  const shared = {
    name: 'shared',
    url: `http://127.0.0.1:${await freePort()}`,
    command: [join(python, 'bin', 'jupyterhub-singleuser'), '--allow-root'],
    environment: { JUPYTERHUB_ROOT_DIR: '/tmp' },
    oauthNoConfirm: true,
  };
  await using cli = testCli(config([shared]));
  await administrator(cli);
  for (const name of ['bob', 'cyd']) await addPerson(cli, name);
  const up = await cli.up();
  await answers(shared, '/services/shared/api');

  const bob = await signIn(up, 'bob');
  const lab = await bob.follow('/services/shared/lab');
  expect([lab.status, await lab.text()]).toEqual([200, expect.stringContaining('"hubUser"')]);
  const status = await bob.follow('/services/shared/api/status');
  expect(await status.json()).toMatchObject({ kernels: 0 });
  expect((await (await signIn(up, 'cyd')).follow('/services/shared/lab')).status).toBe(403);
});
