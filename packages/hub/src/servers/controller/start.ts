import type { Address, Fault, Observed } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { measured, spawnFailed } from '../../metrics/starts.ts';
import { openRun, recordMeters } from '../../money/ledger.service.ts';
import { recordReady, recordTrouble } from '../../rollups/rollups.service.ts';
import { putRoute } from '../../routes/routes.service.ts';
import { get } from '../ask.ts';
import { insertEvents } from '../events.repo.ts';
import type { Failure } from '../server.ts';
import { holdStep, saveReady, type Work } from './controller.repo.ts';
import { answerTimedOut, exitedEarly, faultOf, startTimedOut } from './failures.ts';
import { logTail } from './log-tail.ts';
import type { Nap } from './naps.ts';
import { commit, eventBase, fenceOf, LostLease, serverIo, withoutProgress } from './steps.ts';

/** How often a start is looked at: fast at first, for servers that come up at once; ms. */
const POLL = { first: 20, factor: 1.6, most: 1_000 };
/** A spawner that expects nothing may leave a start alone for so long, ms. */
const MOST_REST = 5_000;
/** One try of the first request to a new server, ms; the whole wait is `start.answerTimeout`. */
const PROBE_TIMEOUT = 5_000;

/**
 * Brings an admitted start to `ready`, or records why it failed. Resumes wherever an earlier hub was: every step is
 * idempotent. True when the row is ready, false when it wants stopping (failed or cancelled); rejects on LostLease and
 * when the database is gone.
 */
export async function runStart(ctx: AppContext, work: Work, signal: AbortSignal, nap: Nap): Promise<boolean> {
  const outcome = await bringUp(ctx, work, signal, nap);
  if (outcome === 'cancelled') return false;
  if ('code' in outcome) {
    await recordFailure(ctx, work, outcome);
    return false;
  }
  const { address, observed, ownSince } = outcome;
  await measured(ctx.metrics.proxyAdds, openWay(ctx, work, address, signal));
  const now = ctx.clock.now();
  const url = ctx.urls.serverUrl(work.userName, work.name);
  const committed = await ctx.db.transaction().execute(async (db) => {
    // Not ready: a stop came in between. The controller sees the row and stops it, and with it goes the route.
    if (!(await saveReady(db, fenceOf(ctx, work), { now, address, observed }))) return false;
    await openRun(ctx, db, work, work.spec, now);
    await recordReady(db, work, now, work.phaseAt);
    await insertEvents(db, [
      { ...eventBase(ctx, work), percent: 100, message: `Server ready at ${url}`, kind: 'ready' },
    ]);
    return true;
  });
  if (!committed) return false;
  ctx.eventLog.record({ action: 'start', username: work.userName, servername: work.name });
  ctx.metrics.spawns.observe({ status: 'success', reason: '' }, (now - work.phaseAt) / 1000);
  ctx.log.info(
    {
      server: work.id,
      user: work.userName,
      name: work.name,
      ms: now - work.phaseAt,
      ownMs: ctx.clock.now() - ownSince,
    },
    'server ready',
  );
  ctx.wakeups.notify('progress', work.id);
  return true;
}

/**
 * Adds the route, and waits until the proxies have it: whoever is told that the server is ready goes there at once, and
 * would find nothing. @throws LostLease
 */
async function openWay(ctx: AppContext, work: Work, target: Address, signal: AbortSignal): Promise<void> {
  const path = ctx.urls.routePath(work.userName, work.name);
  const version = await ctx.db.transaction().execute(async (db) => {
    if (!(await holdStep(db, fenceOf(ctx, work)))) throw new LostLease();
    return await putRoute(db, { path, target, serverId: work.id });
  });
  ctx.wakeups.notify('routes');
  await ctx.appliedRoutes.wait(version, signal);
}

/** A server that answers: where, and what the spawner saw of it. */
interface Up {
  address: Address;
  observed: Omit<Observed, 'progress'>;
  /** Since then the hub alone made the person wait, ms: admission and the time of spawner and server taken off. */
  ownSince: number;
}

async function bringUp(ctx: AppContext, work: Work, signal: AbortSignal, nap: Nap): Promise<Up | Fault | 'cancelled'> {
  const { clock, config, spawner } = ctx;
  const io = serverIo(ctx, work, signal);
  const startBy = work.phaseAt + config.start.timeout * 1000;
  let answerBy = 0;
  let pause = POLL.first;
  let told = 0;
  // What the machine's boot hides costs nobody a second; what comes before the first step and after the last event does.
  const headMs = clock.now() - work.phaseAt;
  let ownSince = clock.now() - headMs;
  for (;;) {
    if (signal.aborted) return 'cancelled';
    let observed: Observed;
    const asked = clock.now();
    try {
      observed = await spawner.ensure(work.ref, work.spec, io);
    } catch (error) {
      if (error instanceof LostLease) throw error;
      if (signal.aborted) return 'cancelled';
      ctx.log.warn({ err: error, server: work.id, user: work.userName }, 'spawner could not start a server');
      return faultOf(error);
    }
    ownSince += clock.now() - asked;
    const steps = (observed.progress ?? []).slice(told);
    if (steps.length > 0) {
      told += steps.length;
      const events = steps.map((step) => ({
        percent: Math.min(step.percent, 95),
        message: step.message,
        kind: 'progress' as const,
      }));
      await commit(ctx, work, undefined, events);
    }
    if (observed.meters?.length) await recordMeters(ctx, observed.meters);
    if (observed.fault) return observed.fault;
    if (observed.phase === 'exited' || observed.phase === 'failed') return exitedEarly(observed.exit);
    const now = clock.now();
    if (observed.phase === 'running' && observed.address) {
      answerBy ||= now + config.start.answerTimeout * 1000;
      const answered = await answers(ctx, work, observed.address, signal);
      ownSince += clock.now() - now;
      if (answered) return { address: observed.address, observed: withoutProgress(observed), ownSince };
      if (now > answerBy) return answerTimedOut(config.start.answerTimeout);
    } else if (now > startBy) {
      return startTimedOut(config.start.timeout);
    }
    const rested = clock.now();
    const rest = observed.againMs === undefined ? pause : Math.max(POLL.first, Math.min(observed.againMs, MOST_REST));
    ownSince = rested + (await nap.sleep(rest, signal)) - headMs;
    pause = Math.min(pause * POLL.factor, POLL.most);
  }
}

/** Contract §1.4: any status below 500 of `GET <prefix>api`. */
async function answers(ctx: AppContext, work: Work, address: Address, signal: AbortSignal): Promise<boolean> {
  try {
    const path = `${ctx.urls.server(work.userName, work.name)}api`;
    const { status } = await get(address, path, {}, PROBE_TIMEOUT, signal);
    return status > 0 && status < 500;
  } catch {
    return false;
  }
}

/** Writes why a start failed and hands the row to the stop side, which removes what was created. */
async function recordFailure(ctx: AppContext, work: Work, fault: Fault): Promise<void> {
  const log = await logTail(ctx, work);
  const at = ctx.clock.now();
  const failure: Failure = { ...fault, log: [...log], at };
  await commit(
    ctx,
    work,
    {
      desired: 'stopped',
      phase: 'stopping',
      phase_at: at,
      failure: JSON.stringify(failure),
      failures: work.failures + 1,
      stop_reason: JSON.stringify({ code: 'failed', at }),
    },
    [{ percent: 100, message: `Spawn failed: ${fault.message}`, kind: 'failed' }],
    (db) => recordTrouble(db, work, { kind: 'failed', code: fault.code, message: fault.message, at }),
  );
  spawnFailed(ctx.metrics, fault.code, (at - work.phaseAt) / 1000);
  ctx.log.warn({ server: work.id, user: work.userName, name: work.name, code: fault.code }, 'start failed');
}
