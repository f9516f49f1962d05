import type { Secret } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { asHub } from '../../http/origin.ts';
import { spawnFailed } from '../../metrics/starts.ts';
import { recordTrouble } from '../../rollups/rollups.service.ts';
import { findUserById } from '../../users/users.service.ts';
import { insertEvents } from '../events.repo.ts';
import { failQueued } from '../queue.repo.ts';
import type { Failure } from '../server.ts';
import { spawnUserOf } from '../spawn-user.ts';
import { admit, admitted, findWork, type Work } from './controller.repo.ts';
import { putServerCredentials } from './credentials.ts';
import { faultOf } from './failures.ts';

/** A queued start, ready to be recorded as begun. */
interface Turn {
  work: Work;
  token: Secret;
  step: Parameters<typeof admit>[2];
}

/**
 * Queued → starting: spec, ref, token hash and OAuth client are committed together, before anything is done outside. Of
 * several in one transaction, because each of its own would cost a class more than all the rest of admission.
 * @returns those that are starting now, as their rows are; the others were cancelled, taken by another hub, or cannot be started as asked
 * (then the row says why)
 */
export async function admitAll(ctx: AppContext, ids: readonly string[], leaseUntil: number): Promise<Work[]> {
  const turns: Turn[] = [];
  for (const id of ids) {
    const work = await findWork(ctx.db, id);
    const turn = work && (await asHub(work.requestId ?? undefined, () => turnOf(ctx, work, leaseUntil)));
    if (turn) turns.push(turn);
  }
  if (turns.length === 0) return [];
  const begun = await record(ctx, turns).catch(async (error) => {
    if (turns.length === 1) throw error;
    // One of them may be to blame: the others are not held up by it.
    const alone = await Promise.allSettled(turns.map((turn) => record(ctx, [turn])));
    const refused = alone.find((one) => one.status === 'rejected');
    if (refused) ctx.log.error({ err: refused.reason }, 'a start could not be admitted; trying again');
    return alone.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  });
  for (const { work, step } of begun) asHub(work.requestId ?? undefined, () => tell(ctx, work, step.now));
  return begun.map(({ work, step }) => admitted(work, step));
}

function record(ctx: AppContext, turns: readonly Turn[]): Promise<Turn[]> {
  return ctx.db.transaction().execute(async (db) => {
    const begun: Turn[] = [];
    for (const turn of turns) {
      const { work, token, step } = turn;
      const fence = { id: work.id, generation: work.generation, owner: ctx.instanceId };
      if (!(await admit(db, fence, step))) continue;
      await putServerCredentials(ctx, db, work, token);
      begun.push(turn);
    }
    return begun;
  });
}

function tell(ctx: AppContext, work: Work, now: number): void {
  const waitedMs = ctx.clock.now() - (work.queuedAt ?? now);
  ctx.metrics.queueWait.observe({}, waitedMs / 1000);
  ctx.log.info({ server: work.id, user: work.userName, waitedMs }, 'server admitted');
  ctx.wakeups.notify('progress', work.id);
}

async function turnOf(ctx: AppContext, work: Work, leaseUntil: number): Promise<Turn | undefined> {
  const { id } = work;
  const user = await findUserById(ctx.db, work.userId);
  if (!user || work.phase !== 'queued') return undefined;
  const now = ctx.clock.now();
  let spec: ReturnType<typeof ctx.spawner.resolve>;
  try {
    spec = ctx.spawner.resolve(await spawnUserOf(ctx, user), work.userOptions);
  } catch (error) {
    await refuse(ctx, work, error, now);
    return undefined;
  }
  const { stopAfter = null, maxAge = null } = ctx.spawner.ending?.(spec) ?? {};
  const ref = ctx.spawner.identify(id, work.generation);
  const token = ctx.keys.serverToken(id, work.generation, work.tokenNumber);
  return { work, token, step: { spec, ref, now, leaseUntil, stopAfter, maxAge } };
}

async function refuse(ctx: AppContext, work: Work, error: unknown, now: number): Promise<void> {
  const { id, generation } = work;
  const fault = faultOf(error);
  ctx.log.warn({ err: error, server: id, user: work.userName }, 'a start cannot be made as it was asked for');
  const failure: Failure = { ...fault, log: [], at: now };
  await ctx.db.transaction().execute(async (db) => {
    await failQueued(db, id, generation, failure);
    await recordTrouble(db, work, { kind: 'failed', code: fault.code, message: fault.message, at: now });
    const message = `Spawn failed: ${fault.message}`;
    await insertEvents(db, [{ serverId: id, generation, at: now, percent: 100, message, kind: 'failed' }]);
  });
  spawnFailed(ctx.metrics, fault.code, 0);
  ctx.wakeups.notify('progress', id);
}
