import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { type ApiCall, startTestHub, type TestHub } from '../../packages/hub/src/testing/index.ts';
import { Secret } from '../../packages/sdk/src/index.ts';
import { sharedPassword } from '../../plugins/auth-shared-password/src/index.ts';
import { echoSpawner } from '../../plugins/spawner-echo/src/index.ts';
import { ensureAdminPage } from '../../scripts/lib/admin-page.mjs';
import { root } from '../../scripts/lib/root.mjs';
import type { TestChromium } from '../lib/hub.ts';

const SHOTS = fileURLToPath(new URL('../../artifacts/screenshots/admin/', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** So many that no list could hold them all. */
const CROWD = 3_000;
const AT_ONCE = 200;

export interface AdminWorld extends AsyncDisposable {
  hub: TestHub;
  /** As an administrator. */
  api: ApiCall;
  /** The page of an administrator who is signed in, and what the browser complained about. */
  open(
    chromium: TestChromium,
    options?: { width?: number; colorScheme?: 'light' | 'dark' },
  ): Promise<{ page: Page; complaints: string[] }>;
  /** The address of a view. */
  view(path?: string): string;
}

/** A hub below a path of its own, with a few thousand people in it and one whose servers never start. */
export async function startAdminWorld(): Promise<AdminWorld> {
  await ensureAdminPage(root);
  const hub = await startTestHub({
    spawner: echoSpawner({ failFor: ['unlucky'] }),
    authenticator: sharedPassword({ password: new Secret('x'), staff: { root: new Secret('for staff only') } }),
    config: {
      basePath: '/lab/',
      access: { allowAll: true, adminUsers: ['root'] },
      namedServers: { limit: 2 },
      services: [{ name: 'grader', url: 'http://127.0.0.1:9', apiToken: new Secret('grader-token-for-the-test') }],
    },
  });
  const api = await hub.api({ name: 'root', admin: true });
  const expectOk = async (method: string, path: string, body?: unknown) => {
    const { status, body: said } = await api(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(said)}`);
  };
  for (let at = 0; at < CROWD; at += AT_ONCE) {
    const usernames = Array.from({ length: AT_ONCE }, (_, n) => `student${String(at + n).padStart(4, '0')}`);
    await expectOk('POST', '/users', { usernames });
  }
  await expectOk('POST', '/users', { usernames: ['ada', 'bob', 'emmy', 'needle', 'unlucky'] });
  await expectOk('POST', '/groups/physics', { users: ['ada', 'bob', 'student0001'] });
  await expectOk('PUT', '/groups/physics/properties', { room: 'B12' });

  const view = (path = '') => `${hub.origin}/lab/hub/admin${path}`;
  return {
    hub,
    api,
    view,
    async open(chromium, options) {
      const { page } = await chromium.person(options);
      const complaints: string[] = [];
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(`${hub.origin}/lab/hub/login?next=/lab/hub/admin`);
      await page.getByLabel('Name').fill('root');
      await page.getByLabel('Password', { exact: true }).fill('for staff only');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      return { page, complaints };
    },
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

/** Keeps a picture of the whole page, for whoever looks at a run afterwards. */
export async function shootView(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

/** Rules of accessibility that the page breaks now; with `what`, of a part of it. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: { id: string; nodes: { target: string[] }[] }[] }>(
    'axe.run()',
  );
  return violations.map(({ id, nodes }) => `${id} at ${nodes[0]?.target.join(' ')}`);
}
