import type { AppContext } from '../context.ts';
import { get } from '../servers/ask.ts';
import { findServerById, requestStop, type Server, touchServer } from '../servers/servers.service.ts';
import { listIdle } from './idle.repo.ts';

/** How long a server may take to say whether it is busy. */
const ASK_TIMEOUT = 10_000;
/** A server that does not answer is left alone this long after its last known work, then counts as idle. */
const SILENT_GRACE_MS = 600_000;

/**
 * Stops what nobody uses (issue: idle stop is built in). The rows say who may be idle; the server itself is asked
 * before it is believed: a busy kernel or terminal counts as work, an open tab does not.
 */
export async function stopIdle(ctx: AppContext): Promise<void> {
  const now = ctx.clock.now();
  const { stopAfter, maxAge } = ctx.config.idle;
  await Promise.all(
    (await listIdle(ctx.db, { now, stopAfter, maxAge })).map(async ({ id, tooOld }) => {
      const server = await findServerById(ctx.db, id);
      if (!server) return;
      if (tooOld) return void (await requestStop(ctx, server, { code: 'max_age' }));
      const worked = await lastWorkOf(ctx, server);
      const known = server.lastWork ?? server.startedAt ?? 0;
      if (worked !== undefined && worked > known) return touchServer(ctx.db, id, { lastWork: Math.min(worked, now) });
      const silent = worked === undefined;
      if (silent && now - known < SILENT_GRACE_MS + stopAfter * 1000) return;
      await requestStop(ctx, server, { code: 'idle' });
    }),
  );
}

/**
 * The newest work of its kernels and terminals, ms; now when one is busy, 0 when there are none or it has no such API;
 * undefined when it did not answer.
 */
async function lastWorkOf(ctx: AppContext, server: Server): Promise<number | undefined> {
  const { address } = server;
  if (!address) return 0;
  const authorization = `token ${ctx.keys.serverToken(server.id, server.generation).reveal()}`;
  const prefix = ctx.urls.server(server.userName, server.name);
  try {
    const replies = await Promise.all(
      ['api/kernels', 'api/terminals'].map((path) => get(address, prefix + path, { authorization }, ASK_TIMEOUT)),
    );
    return Math.max(...replies.map((reply) => (reply.status === 200 ? newestWork(reply.body, ctx.clock.now()) : 0)));
  } catch (err) {
    ctx.log.warn({ err, server: server.id }, 'a server did not say whether it is busy');
    return undefined;
  }
}

/** Reads Jupyter Server's list of kernels or terminals. A kernel that nobody ever connected to stays `starting`: idle. */
export function newestWork(body: string, now: number): number {
  let list: unknown;
  try {
    list = JSON.parse(body);
  } catch {
    return 0;
  }
  if (!Array.isArray(list)) return 0;
  return Math.max(
    0,
    ...list.map((item: { execution_state?: unknown; last_activity?: unknown } | null) => {
      if (item?.execution_state === 'busy') return now;
      const at = Date.parse(String(item?.last_activity));
      return Number.isNaN(at) ? 0 : at;
    }),
  );
}

/** Looks every `idle.checkEvery` until the signal. */
export async function watchIdle(ctx: AppContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ctx.clock.sleep(ctx.config.idle.checkEvery * 1000, signal).catch(() => {});
    if (signal.aborted) return;
    await stopIdle(ctx).catch((err) => ctx.log.error({ err }, 'could not look for idle servers; trying again'));
  }
}
