import { type Ending, endingOf, latestKeepOn } from '../activity/ending.ts';
import { isReady, type Server, stopAfterOf } from '../servers/servers.service.ts';
import type { PageContext } from './layout.ts';

/** Whether a running server stays on, as a page shows it. */
export interface StayView {
  /** It is about to stop by itself. */
  ending: Ending | undefined;
  /** It is not stopped for idleness before this time, ms. */
  keptUntil: number | null;
  /** For how long it can be kept on, in seconds from now; empty when that is not allowed. */
  choices: readonly number[];
}

const CHOICES = [3600, 2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600, 24 * 3600, 48 * 3600];

/** The choices of one server: what is below the latest time, and that time itself. */
export function keepChoices(ctx: Pick<PageContext, 'config'>, server: Server, now: number): number[] {
  const most = Math.floor((latestKeepOn(ctx, server, now) - now) / 1000);
  if (most < 60) return [];
  const below = CHOICES.filter((seconds) => seconds < most * 0.95);
  return [...below, most];
}

/** Undefined for what does not run. */
export function viewStay(
  ctx: Pick<PageContext, 'config'>,
  server: Server,
  ownerStopAfter: number | null,
  now: number,
): StayView | undefined {
  if (!isReady(server)) return undefined;
  const stopAfter = stopAfterOf(server, ownerStopAfter, ctx.config.idle.stopAfter);
  const kept = server.keepOnUntil !== null && server.keepOnUntil > now ? server.keepOnUntil : null;
  return {
    ending: endingOf(ctx, server, ownerStopAfter, now),
    keptUntil: kept,
    // What is never stopped for idleness needs no keeping.
    choices: stopAfter > 0 ? keepChoices(ctx, server, now) : [],
  };
}
