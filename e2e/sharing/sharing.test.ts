import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { TestCli, Up } from '../../packages/atrium/src/testing/cli.ts';
import { testChromium, testPython } from '../../tools/test-machine.ts';
import { shoot, startChromium, testCli } from '../lib/hub.ts';

const PASSWORD = 'quiet lanterns over the river';
/** A start on a machine that does something else, too. */
const START = 120_000;
const SOON = { timeout: 30_000, interval: 100 };

const CONFIG = `
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({
  port: 0,
  access: { allowExistingUsers: true },
  roles: [{ name: 'sharer', scopes: ['shares!user', 'read:users:name'], users: ['ada'] }],
  spawner: processSpawner({ python: ${JSON.stringify(testPython() ?? '')} }),
});
`;

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function addPeople(cli: TestCli, ...names: string[]): Promise<void> {
  for (const name of names) {
    const args = ['user', 'add', name, '--password-stdin', ...(name === 'root' ? ['--admin'] : [])];
    const added = await cli.run(args, PASSWORD);
    expect(added.code, added.err).toBe(0);
  }
}

/** Websockets that a page has open, by address. */
function openSockets(page: Page): Set<string> {
  const open = new Set<string>();
  page.on('websocket', (socket) => {
    // It counts once something came: an attempt that is refused is none.
    socket.on('framereceived', () => open.add(socket.url()));
    socket.on('close', () => open.delete(socket.url()));
  });
  return open;
}

/** What ada's server answers to a request of this very page, made as JupyterLab makes them. */
function asks(page: Page, up: Up): Promise<number> {
  const url = new URL('user/ada/api/contents?content=0', up.url).href;
  return page.evaluate(async (address) => {
    // This runs in the browser.
    const { document } = globalThis as unknown as { document: { cookie: string } }; // runs in the page
    const xsrf = /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? '';
    const init = { redirect: 'manual', cache: 'no-store', headers: { 'X-XSRFToken': xsrf } } as const;
    return (await fetch(address, init)).status;
  }, url);
}

test.skipIf(!testChromium() || !testPython())(
  'two people on one server, by a link; when it is taken back, all that the guest has open there is closed at once',
  { timeout: 300_000 },
  async () => {
    await using cli = testCli(CONFIG);
    await addPeople(cli, 'root', 'ada', 'bob');
    const up = await cli.up();
    await using chromium = await startChromium();
    const ada = (await chromium.person()).page;
    const bob = (await chromium.person()).page;
    const [adaSockets, bobSockets] = [openSockets(ada), openSockets(bob)];

    await ada.goto(`${up.url}hub/spawn`);
    await signIn(ada, 'ada');
    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    await ada.locator('.jp-LauncherCard').first().waitFor({ timeout: START });
    await expect.poll(() => adaSockets.size, SOON).toBeGreaterThan(0);

    const owner = await ada.context().newPage();
    await owner.goto(`${up.url}hub/home`);
    await owner.getByRole('link', { name: 'Share…', exact: true }).click();
    await owner.getByRole('button', { name: 'Make a link' }).click();
    const link = await owner.getByLabel('Your new link').inputValue();
    await shoot(owner, 'sharing-1-link');

    await bob.goto(link);
    await signIn(bob, 'bob');
    await bob.getByRole('heading', { name: 'ada shares a server with you' }).waitFor();
    await shoot(bob, 'sharing-2-accept');
    await bob.getByRole('button', { name: 'Accept' }).click();
    await bob.getByRole('button', { name: 'Allow' }).click();
    await bob.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    await bob.locator('.jp-LauncherCard[data-category="Other"]', { hasText: 'Terminal' }).first().click();
    const terminal = () => [...bobSockets].some((url) => url.includes('/user/ada/terminals/websocket/'));
    await expect.poll(terminal, { ...SOON, timeout: 60_000 }).toBe(true);
    expect(await asks(bob, up)).toBe(200);

    await owner.goto(`${up.url}hub/share`);
    await owner.getByRole('button', { name: 'Stop sharing with bob' }).click();
    await owner.getByText('bob cannot use it any more').waitFor();
    await shoot(owner, 'sharing-3-revoked');

    // The server itself would believe bob's browser for five more minutes.
    await expect.poll(() => bobSockets.size, SOON).toBe(0);
    expect(await asks(bob, up)).not.toBe(200);
    expect(await asks(ada, up)).toBe(200);
    expect(adaSockets.size).toBeGreaterThan(0);
    const refused = await bob.goto(`${up.url}user/ada/lab`);
    expect(refused?.status()).toBe(403);
    await bob.goto(`${up.url}hub/home`);
    expect(await bob.locator('main').innerText()).not.toContain('Shared with you');

    await owner.getByRole('button', { name: 'Undo' }).click();
    await owner.getByText('bob can use it now.').waitFor();
    await bob.reload();
    await shoot(bob, 'sharing-4-home');
    await bob.getByRole('link', { name: 'Open: Server of ada' }).click();
    await bob.waitForURL(/\/user\/ada\/lab/, { timeout: START, waitUntil: 'commit' });
    await cli.run(['down', '--servers']);
  },
);
