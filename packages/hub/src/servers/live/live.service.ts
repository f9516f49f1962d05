import type { AppContext } from '../../context.ts';
import type { Server } from '../server.ts';
import { placeInQueue } from '../start-times.service.ts';
import { countLive, type LiveFilter, listLive, type OwnedServer } from './live.repo.ts';
import { type Used, usageOf } from './usage.ts';

export { countPhases, type LiveFilter, listLastActivity, type OwnedServer } from './live.repo.ts';
export { allUsage, lookAtUsage, type Used, usageOf } from './usage.ts';

/** Trouble is shown for so long, ms. */
export const TROUBLE_MS = 24 * 3_600_000;

/** A server with what only this moment knows of it. */
export interface LiveServer {
  server: Server;
  queuePlace: number | null;
  used: Used | null;
}

export async function liveOf(ctx: AppContext, server: Server): Promise<LiveServer> {
  const queuePlace = server.phase === 'queued' ? await placeInQueue(ctx, server.id) : null;
  return { server, queuePlace, used: usageOf(ctx, server.id, server.generation) };
}

/** One page, and how many there are. */
export async function searchLive(
  ctx: AppContext,
  filter: Omit<LiveFilter, 'since'>,
): Promise<{ servers: LiveServer[]; total: number }> {
  const whole = { ...filter, since: ctx.clock.now() - TROUBLE_MS };
  const [found, total] = await Promise.all([listLive(ctx.db, whole), countLive(ctx.db, whole)]);
  return { servers: await Promise.all(found.map(({ server }) => liveOf(ctx, server))), total };
}

/** The rows of the live table: all of it, or of these. */
export function readLiveTable(ctx: AppContext, ids?: readonly string[]): Promise<OwnedServer[]> {
  return listLive(ctx.db, { state: 'live', since: ctx.clock.now() - TROUBLE_MS, ids });
}
