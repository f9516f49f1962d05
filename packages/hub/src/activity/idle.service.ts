import type { AppContext } from '../context.ts';
import { findServerById, requestStop, type Server, setWarned, touchServer } from '../servers/servers.service.ts';
import { askServer } from './busy.ts';
import { validWarning } from './ending.ts';
import { listIdle } from './idle.repo.ts';

/** How long a server may take to say whether it is busy. */
const ASK_TIMEOUT = 10_000;
/** A server that does not answer is left alone this long after its last known work, then counts as idle. */
const SILENT_GRACE_MS = 600_000;

/**
 * Stops what nobody uses (issue: idle stop is built in), after its owner was warned. The rows say who may be idle; the
 * server itself is asked before it is believed: a busy kernel or terminal counts as work, an open tab does not.
 */
export async function stopIdle(ctx: AppContext): Promise<void> {
  const now = ctx.clock.now();
  const { stopAfter, maxAge, warnBefore } = ctx.config.idle;
  await Promise.all(
    (await listIdle(ctx.db, { now, stopAfter, maxAge, warnBefore })).map(async (candidate) => {
      const { id, tooOld, idleAt, warnMs } = candidate;
      const server = await findServerById(ctx.db, id);
      if (!server) return;
      if (tooOld) return void (await requestStop(ctx, server, { code: 'max_age' }));
      const worked = await lastWorkOf(ctx, server);
      const known = server.lastWork ?? server.startedAt ?? 0;
      if (worked !== undefined && worked > known) return touchServer(ctx.db, id, { lastWork: Math.min(worked, now) });
      const silent = worked === undefined;
      if (silent && now < idleAt + SILENT_GRACE_MS) return;
      const warnedAt = validWarning(server);
      if (warnMs > 0 && warnedAt === null) return warn(ctx, server, now);
      if (now < Math.max(idleAt, (warnedAt ?? 0) + warnMs)) return;
      await requestStop(ctx, server, { code: 'idle' });
    }),
  );
}

async function warn(ctx: AppContext, server: Server, now: number): Promise<void> {
  await setWarned(ctx, server, now);
  ctx.log.info({ server: server.id, user: server.userName, name: server.name }, 'idle; its owner is warned');
}

/**
 * The newest work of its kernels and terminals, ms; now when one is busy, 0 when there are none or it has no such API;
 * undefined when it did not answer.
 */
export async function lastWorkOf(ctx: AppContext, server: Server): Promise<number | undefined> {
  if (!server.address) return 0;
  try {
    const replies = await Promise.all(
      ['api/kernels', 'api/terminals'].map((path) => askServer(ctx, server, path, ASK_TIMEOUT)),
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
