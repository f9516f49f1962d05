import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { testChromium } from '../../tools/test-machine.ts';

export { testCli } from '../../packages/atrium/src/testing/cli.ts';

/** Where screenshots are kept for whoever looks at a run afterwards. */
const SHOTS = fileURLToPath(new URL('../../artifacts/screenshots/', import.meta.url));

/** Chromium as a test drives it; one window per person. */
export interface TestChromium extends AsyncDisposable {
  /** A window of its own cookies. Fails the test that opened it when a page breaks its content policy. */
  person(options?: {
    width?: number;
    colorScheme?: 'light' | 'dark';
    /** Certificates that nobody signed are accepted. */
    ignoreHTTPSErrors?: boolean;
  }): Promise<{ page: Page; context: BrowserContext }>;
}

export async function startChromium(): Promise<TestChromium> {
  const executablePath = testChromium();
  if (!executablePath) throw new Error('no Chromium');
  const args = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-sync',
  ];
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  const browser = await chromium.launch({ executablePath, args });
  return {
    async person({ width = 1200, colorScheme = 'light', ignoreHTTPSErrors = false } = {}) {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, ignoreHTTPSErrors });
      context.setDefaultTimeout(120_000);
      const page = await context.newPage();
      return { page, context };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** Keeps a picture of the page as it is, light and dark. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(SHOTS, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** The link that `atrium up` prints while there is no administrator. */
export async function firstAdminLink(up: { said(): string }): Promise<string> {
  const link = () => /http\S+first-admin\S+/.exec(up.said())?.[0];
  await expect.poll(link, { timeout: 60_000 }).toBeTruthy();
  return link() ?? '';
}

/** Fills in the page behind that link. */
export async function createFirstAdmin(page: Page, link: string, name: string, password: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Create the account' }).click();
  await page.getByRole('heading', { name: `Servers of ${name.toLowerCase()}` }).waitFor();
}
