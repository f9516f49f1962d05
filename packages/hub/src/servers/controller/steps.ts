import type { Observed, ServerIo } from '@atrium/sdk';
import type { Updateable } from 'kysely';
import type { AppContext } from '../../context.ts';
import type { ServersTable } from '../../db/types.ts';
import { pluginIo } from '../../plugins/plugin-io.ts';
import { insertEvents, type NewEvent } from '../events.repo.ts';
import { type Fence, holdStep, saveAttempt, saveStep, type Work } from './controller.repo.ts';
import { serverEnv } from './env.ts';

/** Another hub took the row, or it is of another generation by now: whatever we were doing is no longer ours. */
export class LostLease extends Error {
  override readonly name = 'LostLease';
}

export function fenceOf(ctx: AppContext, work: Work): Fence {
  return { id: work.id, generation: work.generation, owner: ctx.instanceId };
}

/** Saves a step with its events in one transaction; undefined when there are only events. @throws LostLease */
export async function commit(
  ctx: AppContext,
  work: Work,
  values: Updateable<ServersTable> | undefined,
  events: readonly Omit<NewEvent, 'serverId' | 'generation' | 'at'>[] = [],
  also?: (db: AppContext['db']) => Promise<void>,
): Promise<void> {
  await ctx.db.transaction().execute(async (db) => {
    const fence = fenceOf(ctx, work);
    const ours = values ? await saveStep(db, fence, values) : await holdStep(db, fence);
    if (!ours) throw new LostLease();
    await insertEvents(
      db,
      events.map((event) => ({ ...event, ...eventBase(ctx, work) })),
    );
    await also?.(db);
  });
  ctx.wakeups.notify('progress', work.id);
}

export function eventBase(ctx: AppContext, work: Work): { serverId: string; generation: number; at: number } {
  return { serverId: work.id, generation: work.generation, at: ctx.clock.now() };
}

/** The doors a spawner gets for one server (sdk ServerIo). */
export function serverIo(ctx: AppContext, work: Work, signal: AbortSignal): ServerIo {
  let attempt = work.attempt;
  return {
    ...pluginIo(ctx, signal),
    server: {
      id: work.id,
      generation: work.generation,
      user: work.userName,
      name: work.name,
      prefix: ctx.urls.server(work.userName, work.name),
    },
    env: serverEnv(ctx, { name: work.userName }, work.name),
    token: ctx.keys.serverToken(work.id, work.generation, work.tokenNumber),
    get attempt() {
      return attempt;
    },
    async save(value) {
      if (!(await saveAttempt(ctx.db, fenceOf(ctx, work), value))) throw new LostLease();
      attempt = value;
    },
  };
}

/** What of an observation is worth a row: everything but the progress, which has rows of its own, and the pace. */
export function withoutProgress({ progress: _, againMs: __, ...rest }: Observed): Omit<Observed, 'progress'> {
  return rest;
}
