import { chmodSync, rmSync } from 'node:fs';
import type { Address } from '@atrium/sdk';
import type { FastifyPluginAsync } from 'fastify';
import { watchCertificate } from './acme/watch.ts';
import { watchIdle } from './activity/idle.service.ts';
import { watchAnnouncements } from './announcements/announcements.service.ts';
import { watchAudit } from './audit/audit.service.ts';
import { recordConfigChanges } from './audit/config-changes.ts';
import { watchCalendar } from './calendar/calendar.service.ts';
import type { AppContext } from './context.ts';
import { buildControlApp, buildPublicApp } from './http/apps.ts';
import { watchEventLoop } from './metrics/event-loop.ts';
import { watchMoney } from './money/loop.service.ts';
import { type ContextOptions, openContext } from './open-context.ts';
import { watchRollups } from './rollups/rollups.service.ts';
import { pruneRoutes } from './routes/routes.service.ts';
import { createController } from './servers/controller/controller.ts';
import type { ServiceRunner } from './services/runner/index.ts';
import { type ServiceOutput, watchServices } from './services/watch.ts';
import { watchShares } from './shares/shares.service.ts';
import { watchUpkeep } from './upkeep/upkeep.service.ts';

export interface HubOptions extends ContextOptions {
  /** Adds the command's verbs to the control socket. */
  control?: FastifyPluginAsync<{ ctx: AppContext }>;
  /** What runs the services of the configuration; without one, nobody does. */
  services?: ServiceRunner | undefined;
  /** Takes what services write; otherwise it goes to the log, line by line. */
  serviceOutput?: ServiceOutput | undefined;
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

/** Builds a hub; opens no port and starts nothing until told (style: build, then listen). */
export async function createHub(options: HubOptions): Promise<Hub> {
  const began = performance.now();
  const ctx = await openContext(options);
  const app = buildPublicApp(ctx);
  const control = buildControlApp(ctx, options.control);
  const controller = createController(ctx);
  const closing = new AbortController();
  const background: Promise<void>[] = [];
  const runner = options.services;
  const output: ServiceOutput =
    options.serviceOutput ?? ((service, text) => ctx.log.info({ service, text: text.trimEnd() }, 'a service wrote'));
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
      ctx.metrics.hubStartup.observe({}, (performance.now() - began) / 1000);
      controller.start();
      background.push(
        watchIdle(ctx, closing.signal),
        watchMoney(ctx, closing.signal),
        watchCalendar(ctx, closing.signal),
        watchUpkeep(ctx, closing.signal),
        ...(runner ? [watchServices(ctx, runner, output, closing.signal)] : []),
        watchEventLoop(ctx, closing.signal),
        watchAudit(ctx, closing.signal),
        watchAnnouncements(ctx, closing.signal),
        watchShares(ctx, closing.signal),
        watchRollups(ctx, closing.signal),
        watchCertificate(ctx, closing.signal),
        recordConfigChanges(ctx, options.loaded).catch((err) =>
          ctx.log.warn({ err }, 'changes of the configuration are not in the audit trail'),
        ),
      );
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
