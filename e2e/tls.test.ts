import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ensureAdminPage } from '../scripts/lib/admin-page.mjs';
import { root } from '../scripts/lib/root.mjs';
import { testChromium, testPython } from '../tools/test-machine.ts';
import { createFirstAdmin, firstAdminLink, shoot, startChromium, type TestChromium, testCli } from './lib/hub.ts';
import { newNotebook, runCell } from './lib/lab.ts';

const PASSWORD = 'quiet lanterns over the river';
/** A start on a machine that does something else, too. */
const START = 90_000;

const CONFIG = `
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({
  port: 0,
  tls: 'self-signed',
  spawner: processSpawner({ python: ${JSON.stringify(testPython() ?? '')} }),
});
`;

describe.skipIf(!testChromium() || !testPython())('a notebook over TLS, with nothing in front', () => {
  const cli = testCli(CONFIG);
  let up: Awaited<ReturnType<typeof cli.up>>;
  let browser: TestChromium;
  let person: Awaited<ReturnType<TestChromium['person']>>;

  beforeAll(async () => {
    await ensureAdminPage(root);
    up = await cli.up();
    browser = await startChromium();
    // As somebody who compared the fingerprint and went on.
    person = await browser.person({ ignoreHTTPSErrors: true });
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    console.error(readFileSync(join(cli.places.logDir, 'hub.log'), 'utf8').slice(-6_000));
    await shoot(person.page, 'failed-tls');
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await cli[Symbol.asyncDispose]();
  });

  test('sign-in, start, and a cell through its kernel’s websocket, with cookies for https only', async () => {
    const { page, context } = person;
    const link = await firstAdminLink(up);
    expect(link).toMatch(/^https:/);
    await createFirstAdmin(page, link, 'Ada', PASSWORD);
    await page.getByRole('button', { name: 'Start my server' }).click();
    await page.waitForURL(/^https:.*\/user\/ada\/lab/, { timeout: START });
    await newNotebook(page);

    expect(await runCell(page, '1 + 1')).toBe('2');
    const [protocol] = await page.evaluate<string[]>(
      "performance.getEntriesByType('navigation').map(({ nextHopProtocol }) => nextHopProtocol)",
    );
    expect(protocol).toBe('h2');

    const cookies = await context.cookies();
    const own = cookies.filter(({ name }) => name.startsWith('jupyterhub-'));
    expect(own.map(({ name }) => name)).toContain('jupyterhub-hub-login');
    expect(own.filter(({ secure }) => !secure)).toEqual([]);
  });

  test('who types the address without https gets to the same page', async () => {
    const { page } = person;

    await page.goto(new URL('hub/home?from=http', up.url).href.replace('https:', 'http:'));

    expect(page.url()).toBe(new URL('hub/home?from=http', up.url).href);
  });
});
