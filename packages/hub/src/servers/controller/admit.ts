import type { AppContext } from '../../context.ts';
import { findUserById } from '../../users/users.service.ts';
import { insertEvents } from '../events.repo.ts';
import { failQueued } from '../queue.repo.ts';
import type { Failure } from '../server.ts';
import { spawnUserOf } from '../spawn-user.ts';
import { admit, findWork } from './controller.repo.ts';
import { putServerCredentials } from './credentials.ts';
import { faultOf } from './failures.ts';

/**
 * Queued → starting: spec, ref, token hash and OAuth client are committed together, before anything is done outside.
 * False when it was cancelled, taken by another hub, or cannot be started as asked (then the row says why).
 */
export async function admitOne(ctx: AppContext, id: string, leaseUntil: number): Promise<boolean> {
  const work = await findWork(ctx.db, id);
  const user = work && (await findUserById(ctx.db, work.userId));
  if (!work || !user || work.phase !== 'queued') return false;
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
      const message = `Spawn failed: ${fault.message}`;
      await insertEvents(db, [
        { serverId: id, generation: work.generation, at: now, percent: 100, message, kind: 'failed' },
      ]);
    });
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
  ctx.log.info({ server: id, user: user.name, waitedMs: ctx.clock.now() - (work.queuedAt ?? now) }, 'server admitted');
  ctx.wakeups.notify('progress', id);
  return true;
}
