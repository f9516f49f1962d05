import type { AppContext } from '../context.ts';
import { isReady, maxAgeOf, type Server, stopAfterOf } from '../servers/servers.service.ts';

type Rules = Pick<AppContext, 'config'>;

/** That a running server is about to stop by itself. */
export interface Ending {
  at: number;
  why: 'idle' | 'max_age' | 'limit';
}

/** When its owner was warned of an idle stop, if nothing was done since. */
export function validWarning({ warnedAt, lastWork }: Server): number | null {
  return warnedAt !== null && warnedAt > (lastWork ?? 0) ? warnedAt : null;
}

/** How long its owner is warned before an idle stop, ms: at most half of the time it may be idle. */
function warnMsOf({ config }: Rules, stopAfter: number): number {
  return Math.min(config.idle.warnBefore, stopAfter / 2) * 1000;
}

/** The nearest end of a running server that its owner should know of now; undefined when there is none. */
export function endingOf(ctx: Rules, server: Server, ownerStopAfter: number | null, now: number): Ending | undefined {
  if (!isReady(server)) return undefined;
  const { idle } = ctx.config;
  const started = server.startedAt ?? now;
  const endings: Ending[] = [];
  const maxAge = maxAgeOf(server, idle.maxAge);
  const tooOldAt = started + maxAge * 1000;
  if (maxAge > 0 && tooOldAt - Math.min(idle.warnBefore, maxAge / 2) * 1000 <= now) {
    endings.push({ at: tooOldAt, why: 'max_age' });
  }
  if (server.limitStopAt !== null) endings.push({ at: server.limitStopAt, why: 'limit' });
  const stopAfter = stopAfterOf(server, ownerStopAfter, idle.stopAfter);
  const warnedAt = validWarning(server);
  if (warnedAt !== null && stopAfter > 0 && (server.keepOnUntil ?? 0) <= now) {
    const idleAt = (server.lastWork ?? started) + stopAfter * 1000;
    endings.push({ at: Math.max(idleAt, warnedAt + warnMsOf(ctx, stopAfter)), why: 'idle' });
  }
  return endings.toSorted((a, b) => a.at - b.at)[0];
}

/** The latest time until which its owner may keep it on: so far ahead, and never beyond its greatest age. */
export function latestKeepOn(ctx: Rules, server: Server, now: number): number {
  const { keepOnMax } = ctx.config.idle;
  const maxAge = maxAgeOf(server, ctx.config.idle.maxAge);
  const byAge = maxAge > 0 && server.startedAt !== null ? server.startedAt + maxAge * 1000 : Number.POSITIVE_INFINITY;
  return Math.min(now + keepOnMax * 1000, byAge);
}
