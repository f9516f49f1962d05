import type { AppContext } from '../../context.ts';
import { asHub } from '../../http/origin.ts';
import { spawnFailed } from '../../metrics/starts.ts';
import { recordTrouble } from '../../rollups/rollups.service.ts';
import { findUserById } from '../../users/users.service.ts';
import { insertEvents } from '../events.repo.ts';
import { failQueued } from '../queue.repo.ts';
import type { Failure } from '../server.ts';
import { spawnUserOf } from '../spawn-user.ts';
import { admit, findWork, type Work } from './controller.repo.ts';
import { putServerCredentials } from './credentials.ts';
import { faultOf } from './failures.ts';

/**
 * Queued → starting: spec, ref, token hash and OAuth client are committed together, before anything is done outside.
 * False when it was cancelled, taken by another hub, or cannot be started as asked (then the row says why).
 */
export async function admitOne(ctx: AppContext, id: string, leaseUntil: number): Promise<boolean> {
  const work = await findWork(ctx.db, id);
  return !!work && asHub(work.requestId ?? undefined, () => admitWork(ctx, work, leaseUntil));
}

async function admitWork(ctx: AppContext, work: Work, leaseUntil: number): Promise<boolean> {
  const { id } = work;
  const user = await findUserById(ctx.db, work.userId);
  if (!user || work.phase !== 'queued') return false;
  const now = ctx.clock.now();
  let spec: ReturnType<typeof ctx.spawner.resolve>;
  try {
    spec = ctx.spawner.resolve(await spawnUserOf(ctx, user), work.userOptions);
  } catch (error) {
    const fault = faultOf(error);
    ctx.log.warn({ err: error, server: id, user: user.name }, 'a start cannot be made as it was asked for');
    const failure: Failure = { ...fault, log: [], at: now };
    await ctx.db.transaction().execute(async (db) => {
      await failQueued(db, id, work.generation, failure);
      await recordTrouble(db, work, { kind: 'failed', code: fault.code, message: fault.message, at: now });
      const message = `Spawn failed: ${fault.message}`;
      await insertEvents(db, [
        { serverId: id, generation: work.generation, at: now, percent: 100, message, kind: 'failed' },
      ]);
    });
    spawnFailed(ctx.metrics, fault.code, 0);
    ctx.wakeups.notify('progress', id);
    return false;
  }
  const { stopAfter = null, maxAge = null } = ctx.spawner.ending?.(spec) ?? {};
  const ref = ctx.spawner.identify(id, work.generation);
  const token = ctx.keys.serverToken(id, work.generation, work.tokenNumber);
  const admitted = await ctx.db.transaction().execute(async (db) => {
    const fence = { id, generation: work.generation, owner: ctx.instanceId };
    if (!(await admit(db, fence, { spec, ref, now, leaseUntil, stopAfter, maxAge }))) return false;
    await putServerCredentials(ctx, db, work, token);
    return true;
  });
  if (!admitted) return false;
  const waitedMs = ctx.clock.now() - (work.queuedAt ?? now);
  ctx.metrics.queueWait.observe({}, waitedMs / 1000);
  ctx.log.info({ server: id, user: user.name, waitedMs }, 'server admitted');
  ctx.wakeups.notify('progress', id);
  return true;
}
