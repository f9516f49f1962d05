import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { type Browser, type BrowserContextOptions, chromium, type Page, type Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testChromium } from '../../../../tools/test-machine.ts';
import { createAnnouncement } from '../announcements/announcements.service.ts';
import { startTestHub } from '../testing/index.ts';
import { serveGallery } from './testing/serve.ts';

/** Kept for whoever looks at a run afterwards. */
const SHOTS = fileURLToPath(new URL('../../../../artifacts/screenshots/pages/', import.meta.url));
const executablePath = testChromium();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page about something under way looks again by itself, which would end a look at it half way. */
const STANDS_STILL = `{
  const soon = setTimeout;
  window.setTimeout = (run, ms = 0, ...rest) => (ms < 1000 ? soon(run, ms, ...rest) : 0);
  window.setInterval = () => 0;
}`;

async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: { id: string; nodes: { target: string[] }[] }[] }>(
    'axe.run()',
  );
  return violations.map(({ id, nodes }) => `${id} at ${nodes[0]?.target.join(' ')}`);
}

describe.skipIf(!executablePath)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(40_000);
    return context.newPage();
  }

  test.for([
    { look: 'light', colorScheme: 'light', width: 1000 },
    { look: 'dark', colorScheme: 'dark', width: 1000 },
    { look: 'a phone', colorScheme: 'light', width: 320 },
  ] as const)(
    'no page breaks a rule of accessibility or is wider than $look',
    { timeout: 300_000 },
    async ({ look, colorScheme, width }) => {
      await using gallery = await serveGallery();
      const page = await open({ colorScheme, viewport: { width, height: 700 }, bypassCSP: true });
      await page.addInitScript(STANDS_STILL);
      const found: string[] = [];

      const inspect = async (name: string) => {
        await page.goto(`${gallery.origin}/gallery/${name}`);
        await page.screenshot({ path: `${SHOTS}${name} ${look}.png`, fullPage: true });
        for (const details of await page.locator('details').all())
          await details.evaluate((node) => node.setAttribute('open', ''));
        // The rules do not depend on the width; the phone is about the width.
        const broken = width > 320 ? await violationsOf(page) : [];
        const overflow = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
        return overflow > 0 ? [...broken, `${overflow} px too wide`] : broken;
      };
      for (const name of gallery.names) {
        found.push(...(await inspect(name)).map((text) => `${name}: ${text}`));
      }

      expect(found).toEqual([]);
      await page.context().close();
    },
  );

  async function signIn(page: Page, name: string, password: string) {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.keyboard.press('Enter');
  }
  /** Starts take this long, one at a time. */
  const hubWith = (startMs: number) =>
    startTestHub({
      spawner: echoSpawner({ startMs }),
      authenticator: sharedPassword({ password: new Secret('x') }),
      config: { access: { allowAll: true }, start: { concurrency: 1 } },
    });

  test.for([true, false])(
    'somebody signs in, starts a server and arrives where they were heading (script: %s)',
    async (javaScriptEnabled) => {
      await using hub = await hubWith(3_000);
      const page = await open({ javaScriptEnabled });
      const complaints: string[] = [];
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(`${hub.origin}/user/ada/lab?deep=1`);
      await signIn(page, 'ada', 'wrong');
      await page.getByRole('alert').waitFor();
      await signIn(page, 'ada', 'x');
      await page.getByRole('heading', { name: 'Your server is not running' }).waitFor();
      await page.getByRole('button', { name: 'Start my server' }).click();
      await page.getByRole('heading', { name: 'Starting your server' }).waitFor();
      // Without script the page looks again every few seconds, and may come too late for this step.
      if (javaScriptEnabled) await page.getByText('Pretending to start').waitFor();
      // No proxy stands before a test hub, so the server's address leads back here, some redirects later.
      await page.waitForURL('**/user/ada/lab?deep=1&redirects=*');

      await page.goto(`${hub.origin}/hub/home`);
      await page.getByRole('button', { name: 'Stop my server' }).click();
      await page.getByRole('button', { name: 'Start my server' }).waitFor();
      // The wrong password, the server that did not run, the way to it that only a proxy knows.
      expect(complaints.filter((text) => !/status of (403|424|500)/.test(text))).toEqual([]);
      await page.context().close();
    },
  );

  test('the place in the queue is kept up to date, and a start can be cancelled with the keyboard', async () => {
    await using hub = await hubWith(3_600_000);
    const [first, second] = [await open(), await open()];
    for (const [page, name] of [
      [first, 'ada'],
      [second, 'emmy'],
    ] as const) {
      await page.goto(`${hub.origin}/hub/spawn`);
      await signIn(page, name, 'x');
      await page.getByRole('heading', { name: 'Starting your server' }).waitFor();
    }

    await second.getByText('Place in the queue: 1').waitFor();
    await first.getByRole('button', { name: 'Cancel' }).focus();
    await first.keyboard.press('Enter');
    await first.waitForURL('**/hub/home?**');
    await second.getByText('Pretending to start').waitFor();
    expect(await second.getByText('Place in the queue').isVisible()).toBe(false);
    for (const page of [first, second]) await page.context().close();
  });

  test('a starting page outlives a hub that is gone for a while', async () => {
    await using hub = await hubWith(3_000);
    const page = await open();
    let gone = 4;
    const absent = (route: Route) => (gone-- > 0 ? route.fulfill({ status: 503 }) : route.continue());
    await page.route('**/server/progress?*', absent);
    await page.route('**/spawn-pending/ada', (route) =>
      route.request().headers().accept === 'application/json' ? absent(route) : route.continue(),
    );
    await page.goto(`${hub.origin}/hub/spawn`);
    await signIn(page, 'ada', 'x');

    await page.getByText('The connection is interrupted.').waitFor();
    await page.waitForURL('**/user/ada/?redirects=*');
    expect(gone).toBeLessThan(1);
    await page.context().close();
  });

  test('the password can be shown, the theme changed, a new token copied', async () => {
    await using hub = await hubWith(0);
    const page = await open({ colorScheme: 'light', permissions: ['clipboard-read', 'clipboard-write'] });
    await page.goto(`${hub.origin}/hub/login?next=/hub/token`);
    await page.getByLabel('Name').fill('ada');
    const password = page.getByLabel('Password', { exact: true });
    await password.fill('x');
    await page.getByRole('button', { name: 'Show the password' }).click();
    expect(await password.getAttribute('type')).toBe('text');
    await page.getByRole('button', { name: 'Sign in' }).click();

    await page.getByLabel('Note').fill('my script');
    await page.getByRole('button', { name: 'Make the token' }).click();
    await page.getByRole('button', { name: 'Copy' }).click();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied).toBe(await page.getByLabel('The new token').inputValue());

    await page.getByRole('button', { name: 'Dark colours' }).click();
    await page.reload();
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    await page.context().close();
  });

  test('an announcement can be put away and stays away; one that ends goes by itself', async () => {
    await using hub = await hubWith(0);
    const now = hub.ctx.clock.now();
    const words = { level: 'warning' as const, startsAt: now, dismissible: true };
    await createAnnouncement(hub.ctx, { ...words, text: 'The disk is changed on Friday.', endsAt: null }, 'root');
    const page = await open({ bypassCSP: true });
    await page.goto(`${hub.origin}/hub/login?next=/hub/home`);
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password', { exact: true }).fill('x');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/hub/home');
    const friday = page.getByText('The disk is changed on Friday.');
    await expect.poll(() => friday.count()).toBe(1);
    expect(await violationsOf(page)).toEqual([]);

    await page.getByRole('button', { name: 'Put away this announcement' }).press('Enter');
    await expect.poll(() => friday.count()).toBe(0);
    const soon = hub.ctx.clock.now() + 4_000;
    await createAnnouncement(hub.ctx, { ...words, text: 'A short one.', dismissible: false, endsAt: soon }, 'root');
    await page.reload();

    expect(await friday.count()).toBe(0);
    await expect.poll(() => page.getByText('A short one.').count(), { timeout: 20_000 }).toBe(0);
    await page.context().close();
  });
});
