import type { AppContext } from '../../context.ts';
import { measured } from '../../metrics/starts.ts';
import { closeRun } from '../../money/ledger.service.ts';
import { deleteClientsOf } from '../../oauth/oauth-clients.service.ts';
import { pluginIo } from '../../plugins/plugin-io.ts';
import { deleteRoutesOf } from '../../routes/routes.service.ts';
import { deleteServerTokens } from '../../tokens/tokens.service.ts';
import { insertEvents } from '../events.repo.ts';
import { queueStart } from '../servers.repo.ts';
import { findServerById, type StopReason } from '../servers.service.ts';
import type { Work } from './controller.repo.ts';
import { commit, eventBase } from './steps.ts';

const POLL = { first: 20, factor: 1.6, most: 1_000 };
/** What nobody did is no action: JupyterHub's event log is about those. */
const BY_ITSELF: readonly (StopReason['code'] | undefined)[] = ['exited', 'lost'];
/** When the outside cannot be asked (its phase is unknown), how long until the next try, ms. */
const UNKNOWN_PAUSE = 5_000;

/**
 * Takes a server down: route first, then the process, then what is left of it, then token and OAuth client. Polite for
 * `start.stopTimeout`, then forced, and repeated until the spawner confirms that it is gone: unknown is not absent.
 */
export async function runStop(ctx: AppContext, work: Work, signal: AbortSignal): Promise<void> {
  const at = work.phase === 'stopping' ? work.phaseAt : ctx.clock.now();
  const events =
    work.phase === 'starting' ? [{ percent: 100, message: 'Spawn cancelled', kind: 'cancelled' as const }] : [];
  const unrouted = commit(ctx, work, { phase: 'stopping', phase_at: at }, events, (db) => deleteRoutesOf(db, work.id));
  await measured(ctx.metrics.proxyDeletes, unrouted);
  work = { ...work, phase: 'stopping', phaseAt: at };
  ctx.wakeups.notify('routes');
  await takeDown(ctx, work, signal);
  const now = ctx.clock.now();
  let again = false;
  await commit(
    ctx,
    work,
    { phase: 'stopped', phase_at: now, address: null, started_at: null, lease_owner: null, lease_until: 0 },
    [],
    async (db) => {
      await deleteRoutesOf(db, work.id);
      await deleteServerTokens(db, work.id);
      await deleteClientsOf(db, work.id);
      await closeRun(db, work.id, work.generation, now);
      // A start that was asked for while it stopped (architecture §3).
      again = (await findServerById(db, work.id))?.desired === 'running' && (await queueStart(db, work.id, now));
      if (!again) return;
      const base = { ...eventBase(ctx, work), generation: work.generation + 1 };
      await insertEvents(db, [{ ...base, percent: 0, message: 'Server requested', kind: 'progress' }]);
    },
  );
  ctx.wakeups.notify('routes');
  if (work.startedAt !== null && !BY_ITSELF.includes(work.stopReason?.code)) {
    ctx.eventLog.record({ action: 'stop', username: work.userName, servername: work.name });
  }
  ctx.metrics.stops.observe({ status: 'success' }, (now - work.phaseAt) / 1000);
  ctx.log.info({ server: work.id, user: work.userName, name: work.name, ms: now - work.phaseAt }, 'server stopped');
  if (again) ctx.wakeups.notify('servers', work.id);
}

async function takeDown(ctx: AppContext, work: Work, signal: AbortSignal): Promise<void> {
  if (work.ref === null) return;
  const { clock, spawner } = ctx;
  const graceMs = ctx.config.start.stopTimeout * 1000;
  const forceAt = work.phaseAt + graceMs;
  let pause = POLL.first;
  for (;;) {
    signal.throwIfAborted();
    let gone = false;
    let unknown = false;
    try {
      const force = clock.now() >= forceAt;
      const { phase } = await spawner.stop(work.ref, { graceMs, force }, pluginIo(ctx, signal));
      gone = phase === 'absent' || phase === 'exited' || phase === 'failed';
      unknown = phase === 'unknown';
      if (gone) {
        await spawner.destroy(work.ref, pluginIo(ctx, signal));
        return;
      }
    } catch (err) {
      signal.throwIfAborted();
      ctx.metrics.stops.observe({ status: 'failure' }, (clock.now() - work.phaseAt) / 1000);
      ctx.log.error({ err, server: work.id, user: work.userName, gone }, 'stopping a server failed; trying again');
      unknown = true;
    }
    await clock.sleep(unknown ? UNKNOWN_PAUSE : pause, signal);
    pause = Math.min(pause * POLL.factor, POLL.most);
  }
}
