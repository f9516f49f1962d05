import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { freePort } from '../tools/free-port.ts';
import { testChromium, testPython } from '../tools/test-machine.ts';
import { createFirstAdmin, firstAdminLink, shoot, startChromium, testCli } from './lib/hub.ts';
import { newNotebook, runCell } from './lib/lab.ts';

const PASSWORD = 'quiet lanterns over the river';
const START = 90_000;
const canRun = testChromium() && testPython();

const configWith = (settings: object) => `
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({
  ...${JSON.stringify(settings)},
  spawner: processSpawner({ python: ${JSON.stringify(testPython() ?? '')} }),
});
`;

/** Signs in on the page that is open. */
async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test.skipIf(!canRun)('each person has a host of their own, and the hub is out of reach of its pages', async () => {
  const port = await freePort();
  // Browsers lead every name below localhost to this machine.
  const hub = `http://hub.localhost:${port}`;
  const adas = `http://ada.hub.localhost:${port}`;
  await using cli = testCli(configWith({ port, subdomainHost: hub }));
  const up = await cli.up();
  expect(up.url).toBe(`${hub}/`);
  await using browser = await startChromium();
  const { page: ada, context } = await browser.person();
  await createFirstAdmin(ada, await firstAdminLink(up), 'ada', PASSWORD);

  await ada.getByRole('button', { name: 'Start my server' }).click();
  await ada.waitForURL(`${adas}/user/ada/lab**`, { timeout: START });
  await newNotebook(ada);
  expect(await runCell(ada, '6 * 7')).toBe('42');
  await shoot(ada, 'subdomain-lab');

  // What runs on her page is hers, and the hub's pages and cookies are another host's.
  const reach = (url: string) => `fetch('${url}', { credentials: 'include' }).then((r) => r.status, (e) => e.name)`;
  expect(await ada.evaluate(reach(`${hub}/hub/home`))).toBe('TypeError');
  expect(await ada.evaluate(reach(`${hub}/hub/api/user`))).toBe('TypeError');
  const cookies = await context.cookies();
  const domains = new Set(
    cookies.filter(({ name }) => /hub-login|_xsrf/.test(name)).map(({ name, domain }) => `${name} ${domain}`),
  );
  expect(domains).toContain('jupyterhub-hub-login hub.localhost');
  expect(domains).not.toContain('jupyterhub-hub-login ada.hub.localhost');
  expect(cookies.find(({ name }) => name === 'jupyterhub-session-id')?.domain).toBe('.hub.localhost');
  await ada.goto(`${adas}/hub/home`);
  expect(ada.url()).toBe(`${hub}/hub/home`);
  await ada.goto(`${hub}/user/ada/lab/tree`);
  await ada.waitForURL(`${adas}/user/ada/lab**`);

  // Somebody else comes by a deep link: signs in at the hub, agrees there, and arrives at her host.
  const added = await cli.run(['user', 'add', 'bob', '--admin', '--password-stdin'], PASSWORD);
  expect(added.code, added.err).toBe(0);
  const { page: bob } = await browser.person();
  await bob.goto(`${adas}/user/ada/lab`);
  await bob.waitForURL(`${hub}/hub/login**`);
  await signIn(bob, 'bob');
  await bob.getByRole('heading', { level: 1 }).waitFor();
  await shoot(bob, 'subdomain-consent');
  await bob.getByRole('button', { name: 'Allow', exact: true }).click();
  await bob.waitForURL(`${adas}/user/ada/lab**`);
  await bob.locator('#jp-main-dock-panel').waitFor();

  await ada.goto(`${hub}/hub/logout`);
  await ada.goto(`${adas}/user/ada/lab`);
  await ada.waitForURL(`${hub}/hub/login**`);
});

test.skipIf(!canRun)('below another path everything stays below it: pages, files, cookies, servers', async () => {
  await using cli = testCli(configWith({ port: 0, basePath: '/campus/nb/' }));
  const up = await cli.up();
  const base = new URL(up.url);
  expect(base.pathname).toBe('/campus/nb/');
  await using browser = await startChromium();
  const { page, context } = await browser.person();
  const outside: string[] = [];
  page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin === base.origin && !pathname.startsWith(base.pathname)) outside.push(pathname);
  });
  await createFirstAdmin(page, await firstAdminLink(up), 'ada', PASSWORD);

  await page.getByRole('button', { name: 'Start my server' }).click();
  await page.waitForURL(/\/campus\/nb\/user\/ada\/lab/, { timeout: START });
  await newNotebook(page);
  expect(await runCell(page, 'import os; os.environ["JUPYTERHUB_BASE_URL"]')).toContain('/campus/nb/');
  expect((await context.cookies()).filter(({ path }) => !path.startsWith('/campus/nb/'))).toEqual([]);

  await page.goto(new URL('hub/home', base).href);
  await page.getByRole('button', { name: 'Stop my server' }).click();
  await page.getByRole('button', { name: 'Start my server' }).waitFor();
  await page.goto(new URL('user/ada/lab', base).href);
  await page.getByRole('heading', { name: 'Your server is not running' }).waitFor();
  await page.goto(new URL('hub/logout', base).href);
  expect(page.url()).toBe(new URL('hub/login', base).href);
  expect(outside).toEqual([]);
  // Without the last slash, as people type it.
  await page.goto(base.href.replace(/\/$/, ''));
  expect(page.url()).toContain('/campus/nb/hub/login');
});
