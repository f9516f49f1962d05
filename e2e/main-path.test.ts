import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ensureAdminPage } from '../scripts/lib/admin-page.mjs';
import { root } from '../scripts/lib/root.mjs';
import { testChromium, testPython } from '../tools/test-machine.ts';
import { createFirstAdmin, firstAdminLink, shoot, startChromium, type TestChromium, testCli } from './lib/hub.ts';
import { kernelReady, newNotebook, runCell, saveNotebook } from './lib/lab.ts';

const PASSWORD = 'quiet lanterns over the river';
const IDLE_SECONDS = 25;
/** A start on a machine that does something else, too. */
const START = 90_000;

const CONFIG = `
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({
  port: 0,
  idle: { stopAfter: '${IDLE_SECONDS}s', checkEvery: '1s' },
  spawner: processSpawner({ python: ${JSON.stringify(testPython() ?? '')} }),
});
`;

describe.skipIf(!testChromium() || !testPython())('a person and their notebook', () => {
  const cli = testCli(CONFIG);
  let up: Awaited<ReturnType<typeof cli.up>>;
  let browser: TestChromium;
  let ada: Page;
  let bob: Page;

  beforeAll(async () => {
    await ensureAdminPage(root);
    up = await cli.up();
    browser = await startChromium();
    ada = (await browser.person()).page;
    bob = (await browser.person()).page;
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    console.error(readFileSync(join(cli.places.logDir, 'hub.log'), 'utf8').slice(-6_000));
    for (const [at, page] of [ada, bob].entries()) await shoot(page, `failed-${at === 0 ? 'ada' : 'bob'}`);
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await cli[Symbol.asyncDispose]();
  });

  const signIn = async (page: Page, name: string, password = PASSWORD) => {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const homeOf = (name: string) => {
    const homes = join(cli.places.dataDir, 'homes');
    const found = readdirSync(homes).find((entry) => entry.startsWith(name));
    if (!found) throw new Error(`no home of ${name} in ${homes}`);
    return join(homes, found);
  };

  test('the printed link makes the first administrator, once', async () => {
    const url = await firstAdminLink(up);
    await ada.goto(url);
    await shoot(ada, '01-first-admin');
    await createFirstAdmin(ada, url, 'Ada', PASSWORD);
    await shoot(ada, '02-home');

    await bob.goto(url);
    expect(await bob.getByRole('heading', { level: 1 }).innerText()).toBe('This link no longer works');
  });

  test('a start shows its progress and leads to JupyterLab, where a cell prints its result', async () => {
    await ada.getByRole('button', { name: 'Start my server' }).click();
    await ada.getByRole('heading', { name: 'Starting your server' }).waitFor();
    await shoot(ada, '03-starting');

    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    await newNotebook(ada);

    expect(await runCell(ada, '1 + 1')).toBe('2');
    expect(await runCell(ada, 'import os; open("kept.txt", "w").write("still here"); print(os.getuid())')).toMatch(
      /\d+/,
    );
    await saveNotebook(ada);
    await shoot(ada, '04-jupyterlab');
    await expect.poll(() => existsSync(join(homeOf('ada'), 'Untitled.ipynb')), { timeout: 10_000 }).toBe(true);
    expect(statSync(homeOf('ada')).mode & 0o777).toBe(0o700);
  });

  test('somebody asks for an account, an administrator approves it, and only then it works', async () => {
    await bob.goto(`${up.url}hub/signup`);
    await bob.getByLabel('Name').fill('bob');
    await bob.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await shoot(bob, '05-sign-up');
    await bob.getByRole('button', { name: 'Send my request' }).click();
    await bob.getByText('Your request is on its way').waitFor();
    await bob.goto(`${up.url}hub/login`);
    await signIn(bob, 'bob');
    await expect.poll(() => bob.locator('main').innerText(), { timeout: 10_000 }).toMatch(/wait|approv/i);
    await shoot(bob, '06-waiting');

    const admin = await ada.context().newPage();
    await admin.goto(`${up.url}hub/admin`);
    await admin.getByRole('link', { name: '1 asks for an account' }).waitFor();
    await shoot(admin, '07-admin');
    await admin.getByRole('link', { name: '1 asks for an account' }).click();
    await admin.getByRole('button', { name: 'Approve bob' }).click();
    await admin.getByText('bob may sign in now.').waitFor();
    await admin.close();

    await bob.goto(`${up.url}hub/login`);
    await shoot(bob, '08-sign-in');
    await signIn(bob, 'bob', 'wrong password here');
    await expect.poll(() => bob.locator('main').innerText(), { timeout: 10_000 }).toMatch(/name or password/i);
    await signIn(bob, 'bob');
    await bob.waitForURL(/\/hub\/(home|spawn)|\/user\/bob/);
  });

  test('somebody else cannot reach the server, the home folder or the processes', async () => {
    const reply = await bob.goto(`${up.url}user/ada/lab`);
    expect(reply?.status(), bob.url()).toBeGreaterThanOrEqual(403);
    expect((await bob.locator('body').innerText()).toLowerCase()).not.toContain('launcher');
    await shoot(bob, '09-not-yours');

    await bob.goto(`${up.url}hub/spawn`);
    await bob.waitForURL(/\/user\/bob\/lab/, { timeout: START });
    await newNotebook(bob);
    const look = [
      'import os, glob',
      `theirs = os.path.exists(${JSON.stringify(join(homeOf('ada'), 'kept.txt'))})`,
      'accounts = {os.stat(p).st_uid for p in glob.glob("/proc/[0-9]*")}',
      'print(theirs, os.getuid(), accounts == {os.getuid()}, os.environ["HOME"], len(os.listdir("..")))',
    ].join('\n');
    const [reaches, uid, alone, home, homes] = (await runCell(bob, look)).split(' ');

    expect(reaches).toBe('False');
    expect(alone, 'sees only processes of their own').toBe('True');
    expect([home, homes]).toEqual([homeOf('bob'), '1']);
    if (process.getuid?.() === 0) expect(Number(uid)).toBe(statSync(homeOf('bob')).uid);
  });

  test('a server that nobody uses stops although its tab is open, says why, and starts again with everything', async () => {
    // Ada's tab has been open on her notebook all the while.
    const idle = (IDLE_SECONDS + 60) * 1000;
    const { code, out, err } = await cli.run(['token', 'ada']);
    expect(code, err).toBe(0);
    const token = out.trim();
    const server = async () => {
      const headers = { authorization: `token ${token}` };
      const user = (await (await fetch(`${up.url}hub/api/users/ada`, { headers })).json()) as { server: string | null };
      return user.server;
    };
    await expect.poll(server, { timeout: idle, interval: 1_000 }).toBeNull();

    const reply = await ada.goto(`${up.url}user/ada/lab`);
    expect(reply?.status()).toBe(424);
    expect(await ada.locator('main').innerText()).toContain('without activity');
    await shoot(ada, '10-not-running');
    await ada.getByRole('button', { name: 'Start my server' }).click();
    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    // JupyterLab opens the notebook again that was open, with the empty cell at its end.
    await ada.locator('.jp-Notebook .jp-CodeCell').nth(2).waitFor();
    await kernelReady(ada);

    expect(await runCell(ada, 'print(open("kept.txt").read())')).toBe('still here');
  });

  test('JupyterLab’s hub menu works: restart, control panel, log out', async () => {
    const menu = async (item: string) => {
      await ada.getByRole('menuitem', { name: 'File', exact: true }).click();
      return ada.getByRole('menuitem', { name: item }).click();
    };
    // What its command "Restart Server" opens.
    await ada.goto(`${up.url}hub/spawn`);
    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    await kernelReady(ada);
    const [panel] = await Promise.all([ada.context().waitForEvent('page'), menu('Hub Control Panel')]);
    await panel.waitForURL(/\/hub\/home/);
    await shoot(panel, '11-home-running');
    for (const [path, name] of [
      ['token', '12-tokens'],
      ['change-password', '13-change-password'],
    ] as const) {
      await panel.goto(`${up.url}hub/${path}`);
      await shoot(panel, name);
    }
    await panel.close();

    await menu('Log Out');
    await ada.waitForURL(/\/hub\/login/);
    await ada.goto(`${up.url}user/ada/lab`);
    expect(ada.url()).toContain('/hub/login?next=');
    await shoot(ada, '14-signed-out');

    await signIn(ada, 'ada');
    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
  });

  test('nothing of it is left when the hub goes down with its servers', async () => {
    const { code } = await cli.run(['down', '--servers']);

    expect(code).toBe(0);
    await expect
      .poll(() => existsSync(join(cli.places.runDir, 's')) && readdirSync(join(cli.places.runDir, 's')).length, {
        timeout: 20_000,
      })
      .toBeFalsy();
    rmSync(cli.places.runDir, { recursive: true, force: true });
  });
});
