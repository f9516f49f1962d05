import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, type Clock, type HelperClient, Secret, systemClock } from '@atrium/sdk';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { watchIdle } from './activity/idle.service.ts';
import type { LoadedConfig } from './config/load.ts';
import type { AppContext } from './context.ts';
import { openDatabase } from './db/open.ts';
import { buildControlApp, buildPublicApp } from './http/apps.ts';
import { hubKeyOf } from './hub-key.ts';
import { hubIdOf } from './installation.repo.ts';
import { deriveKeys, randomId } from './keys.ts';
import { postgresWakeups } from './pg-wakeups.ts';
import { pluginStore } from './plugins/plugin-store.repo.ts';
import { pruneRoutes } from './routes/routes.service.ts';
import { createController } from './servers/controller/controller.ts';
import { makeUrls } from './urls.ts';
import { localWakeups } from './wakeups.ts';

export interface HubOptions {
  loaded: LoadedConfig;
  /** Lasting files, absolute. */
  dataDir: string;
  /** Sockets and short-lived files, absolute and short. */
  runDir: string;
  /** What servers get as `JUPYTERHUB_API_URL`: no trailing slash. */
  apiUrl: string;
  log: Logger;
  clock?: Clock;
  /** Runs verbs as root, for the named plug-in of this installation. */
  helper?: ((plugin: string, hubId: string) => HelperClient) | undefined;
  /** Adds the command's verbs to the control socket. */
  control?: FastifyPluginAsync<{ ctx: AppContext }>;
}

/** Where to listen: a Unix socket's path, or a TCP address. */
export type Listen = { path: string } | { host: string; port: number };

export interface Hub extends AsyncDisposable {
  readonly ctx: AppContext;
  /** Answers browsers and API clients, through the proxy. @returns where it listens. */
  listen(where: Listen): Promise<Address>;
  /** Answers the proxy (route stream, activity) and the command. */
  listenControl(where: Listen): Promise<Address>;
  /** Begins to act on servers. A hub that only answers questions never calls it. */
  startController(): void;
}

/** More than the kernel's usual 128: a class that arrives at once must queue, not be refused. */
const BACKLOG = 8_192;

/**
 * Everything a hub needs, without listening or acting: for the command, tests and scripts.
 * @throws HubError `misconfigured` in words for the operator.
 */
export async function openContext(options: Omit<HubOptions, 'control'>): Promise<AppContext & AsyncDisposable> {
  const { loaded, dataDir, runDir, log } = options;
  const { config } = loaded;
  const clock = options.clock ?? systemClock;
  const opened = await openDatabase(databaseOf(loaded, dataDir));
  try {
    const hubId = await hubIdOf(opened.db);
    const pluginContext = (kind: string, id: string) => ({
      hubId,
      dataDir,
      runDir,
      clock,
      log: log.child({ plugin: id }),
      store: pluginStore(opened.db, `${kind}-${id}`),
      helper: options.helper?.(id, hubId),
    });
    const { authenticator: auth, spawner: spawn } = config;
    const authenticator = await auth.create(loaded.options.authenticator, pluginContext('auth', auth.id));
    const spawner = await spawn.create(loaded.options.spawner, pluginContext('spawner', spawn.id));
    const wakeups = opened.url ? await postgresWakeups(opened.url, log) : localWakeups();
    return {
      config,
      db: opened.db,
      dialect: opened.dialect,
      clock,
      log,
      hubId,
      instanceId: randomId(),
      keys: deriveKeys(hubKeyOf(config.hubKey, dataDir)),
      urls: makeUrls(config.basePath),
      wakeups,
      authenticator: Object.assign(authenticator, { id: auth.id, form: auth.form }),
      spawner: Object.assign(spawner, { id: spawn.id }),
      apiUrl: options.apiUrl,
      onlyFirstAdmin: spawner.caps.isolation === 'none' && !spawner.caps.isolationAccepted,
      async [Symbol.asyncDispose]() {
        await wakeups[Symbol.asyncDispose]();
        await opened[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** Builds a hub; opens no port and starts nothing until told (style: build, then listen). */
export async function createHub(options: HubOptions): Promise<Hub> {
  const ctx = await openContext(options);
  const app = buildPublicApp(ctx);
  const control = buildControlApp(ctx, options.control);
  const controller = createController(ctx);
  const closing = new AbortController();
  const background: Promise<void>[] = [];
  try {
    await pruneRoutes(ctx);
    await app.ready();
    await control.ready();
  } catch (error) {
    await ctx[Symbol.asyncDispose]();
    throw error;
  }
  return {
    ctx,
    listen: (where) => listenOn(app, where, 0o660),
    listenControl: (where) => listenOn(control, where, 0o600),
    startController() {
      controller.start();
      background.push(watchIdle(ctx, closing.signal));
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the hub is closing'));
      // Streams (progress, routes) would keep the listeners open for ever.
      app.server.closeAllConnections();
      control.server.closeAllConnections();
      await Promise.all([app.close(), control.close()]);
      await controller[Symbol.asyncDispose]();
      await Promise.all(background);
      await ctx[Symbol.asyncDispose]();
    },
  };
}

function databaseOf({ config }: LoadedConfig, dataDir: string): string {
  const url = config.database instanceof Secret ? config.database.reveal() : config.database;
  if (url === undefined) return join(dataDir, 'hub.sqlite');
  return url.startsWith('sqlite://') ? url.slice('sqlite://'.length) : url;
}

async function listenOn(app: ReturnType<typeof buildPublicApp>, where: Listen, mode: number): Promise<Address> {
  if ('path' in where) {
    // Left by a hub that was killed; the database's lock already says that no other hub is here.
    rmSync(where.path, { force: true });
    await app.listen({ path: where.path, backlog: BACKLOG });
    chmodSync(where.path, mode);
    return { kind: 'unix', path: where.path };
  }
  await app.listen({ ...where, backlog: BACKLOG });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The listener has no address.');
  return { kind: 'tcp', host: where.host, port: address.port };
}
