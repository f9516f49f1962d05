import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, ConfiguredAuthenticator, ConfiguredSpawner } from '@atrium/sdk';
import { type Logger, pino } from 'pino';
import { loadConfig } from '../config/load.ts';
import type { HubConfigInput } from '../config/schema.ts';
import type { AppContext } from '../context.ts';
import { createHub, type Hub } from '../hub.ts';
import { createServiceRunner, ownAccount } from '../services/runner/index.ts';
import { issueToken } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { createUser, findUser } from '../users/users.service.ts';
import { type TestBrowser, testBrowser } from './browser.ts';

export { type TestBrowser, testBrowser } from './browser.ts';

export interface TestHubOptions {
  spawner: ConfiguredSpawner;
  authenticator: ConfiguredAuthenticator;
  config?: Partial<HubConfigInput>;
  /** A `postgres://` URL; SQLite in a directory of its own otherwise. */
  database?: string;
  clock?: Clock;
  /** Keep an earlier hub's directory: a restart on the same data. */
  dataDir?: string;
  /** False: answers, but acts on no server. */
  controller?: boolean;
  /** Where it writes its log; nowhere otherwise. */
  log?: Logger;
}

/** A call to the REST API with a token. `path` is below `{api}`. */
export type ApiCall = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; body: unknown; headers: Headers }>;

export interface TestHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly ctx: AppContext;
  readonly dataDir: string;
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** Makes the user when there is none and answers calls with a token of theirs. Default scopes: `inherit`. */
  api(user: { name: string; admin?: boolean }, scopes?: readonly string[]): Promise<ApiCall>;
  browser(): TestBrowser;
}

/** A real hub on a free loopback port, with its own data directory, both gone afterwards. No proxy before it. */
export async function startTestHub(options: TestHubOptions): Promise<TestHub> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'atrium-hub-'));
  mkdirSync(join(dataDir, 'run'), { recursive: true });
  const log = options.log ?? pino({ level: process.env.ATRIUM_TEST_LOG ?? 'silent' });
  const loaded = loadConfig({
    file: { ...options.config, ...(options.database !== undefined && { database: options.database }) },
    defaults: { spawner: options.spawner, authenticator: options.authenticator },
  });
  const where = { dataDir, runDir: join(dataDir, 'run'), apiUrl: 'http://127.0.0.1:1/hub/api' };
  const services = createServiceRunner({ cwd: dataDir, environment: process.env, accountOf: ownAccount });
  const hub = await createHub({ loaded, ...where, log, services, ...(options.clock && { clock: options.clock }) });
  const address = await hub.listen({ host: '127.0.0.1', port: 0 });
  if (address.kind !== 'tcp') throw new Error('The test hub listens on TCP.');
  const origin = `http://127.0.0.1:${address.port}`;
  if (options.controller !== false) hub.startController();
  const { ctx } = hub;
  return {
    hub,
    ctx,
    dataDir,
    origin,
    browser: () => testBrowser(origin),
    async api({ name, admin = false }, scopes = ['inherit']) {
      const now = ctx.clock.now();
      const user =
        (await findUser(ctx.db, name)) ?? (await createUser(ctx.db, { name, admin, allowedBy: 'administrator', now }));
      if (!user) throw new Error(`could not make ${name}`);
      const { token } = await issueToken(ctx, { owner: asUser(user), scopes: [...scopes], note: 'test' });
      return async (method, path, body) => {
        const headers = {
          authorization: `token ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        };
        const init = {
          method,
          headers,
          redirect: 'manual' as const,
          ...(body !== undefined && { body: JSON.stringify(body) }),
        };
        const response = await fetch(`${origin}${ctx.urls.api}${path}`, init);
        const text = await response.text();
        const json = response.headers.get('content-type')?.includes('json') && text !== '';
        return {
          status: response.status,
          body: json ? (JSON.parse(text) as unknown) : text,
          headers: response.headers,
        };
      };
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await services[Symbol.asyncDispose]();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
