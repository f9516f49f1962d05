import type { Observed, Owned } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { recordMeters } from '../../money/ledger.service.ts';
import { pluginIo } from '../../plugins/plugin-io.ts';
import { recordTrouble } from '../../rollups/rollups.service.ts';
import type { Server, StopReason } from '../server.ts';
import { listActiveServers } from '../servers.repo.ts';
import { findWork, takeLease } from './controller.repo.ts';
import { logTail } from './log-tail.ts';
import { recordNotices } from './notices.ts';
import { commit } from './steps.ts';

/** How often everything that runs is looked at. */
const SWEEP_MS = 30_000;
/** One listing that takes longer than this counts as failed. */
const LIST_TIMEOUT = 30_000;
const LEASE_MS = 30_000;

export interface Sweep {
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when no sweep is under way. */
  idle(): Promise<void>;
}

/**
 * Compares what exists outside with the rows, in one listing for all: at boot (adoption) and every now and then.
 * A server that went is recorded with its reason; something of ours that no row names is an orphan, reported, and
 * stopped after two clean lists a grace period apart (architecture §4 rule 3).
 */
export function createSweep(ctx: AppContext): Sweep {
  let suspects = new Set<string>();
  let current: Promise<void> = Promise.resolve();

  async function once(signal: AbortSignal): Promise<void> {
    const io = pluginIo(ctx, AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT)]));
    // Rows first: what is started between the two reads is then only missing from the rows' side, never from outside.
    const rows = await listActiveServers(ctx.db);
    const owned = new Map<string, Owned<unknown>>();
    const began = performance.now();
    for await (const one of ctx.spawner.list(io)) {
      if (one.hubId === ctx.hubId) owned.set(key(one.serverId, one.generation), one);
    }
    const ready = rows.filter((row) => row.phase === 'ready' && row.desired === 'running');
    // One listing is the poll of all of them: each gets its part of the time.
    const seconds = (performance.now() - began) / 1000 / Math.max(1, ready.length);
    for (const row of ready) {
      const seen = owned.get(key(row.id, row.generation))?.observed;
      ctx.metrics.polls.observe({ status: seen?.phase === 'running' ? 'running' : 'stopped' }, seconds);
      // What is wrong with one of them must not keep the others from being looked after.
      await check(row, seen, io).catch((err) => {
        if (!signal.aborted) ctx.log.warn({ err, server: row.id }, 'could not look after a server; trying again');
      });
    }
    await stopOrphans(owned, io);
  }

  async function check(row: Server, seen: Observed | undefined, io: ReturnType<typeof pluginIo>): Promise<void> {
    if (seen?.meters?.length) await recordMeters(ctx, seen.meters);
    if (seen?.notices?.length) await recordNotices(ctx, row, seen.notices);
    if (!seen || ['exited', 'absent', 'failed'].includes(seen.phase)) await gone(row.id, seen, io);
  }

  /** A ready server that the list did not show as running: asked for by name before it is believed. */
  async function gone(id: string, listed: Observed | undefined, io: ReturnType<typeof pluginIo>): Promise<void> {
    const work = await findWork(ctx.db, id);
    if (work?.phase !== 'ready' || work.desired !== 'running') return;
    const observed = listed ?? (await ctx.spawner.observe(work.ref, io));
    if (!['exited', 'absent', 'failed'].includes(observed.phase)) return;
    const now = ctx.clock.now();
    if (!(await takeLease(ctx.db, id, ctx.instanceId, now, now + LEASE_MS))) return;
    const log = await logTail(ctx, work);
    const reason: StopReason = {
      code: observed.phase === 'absent' ? 'lost' : 'exited',
      at: now,
      ...(observed.exit && { exit: observed.exit }),
      ...(observed.fault && { message: observed.fault.message }),
    };
    const failure = observed.fault && { ...observed.fault, log: [...log], at: now };
    const values = {
      desired: 'stopped' as const,
      stop_reason: JSON.stringify(reason),
      ...(failure && { failure: JSON.stringify(failure) }),
    };
    const trouble = { kind: 'ended', code: observed.fault?.code ?? reason.code, at: now } as const;
    await commit(ctx, work, values, [], (db) => recordTrouble(db, work, { ...trouble, message: reason.message }));
    ctx.log.warn({ server: id, user: work.userName, name: work.name, ...reason }, 'a server ended by itself');
    ctx.wakeups.notify('servers', id);
  }

  async function stopOrphans(owned: Map<string, Owned<unknown>>, io: ReturnType<typeof pluginIo>): Promise<void> {
    const before = suspects;
    suspects = new Set();
    for (const [id, one] of owned) {
      if (one.observed.phase === 'absent' || one.observed.phase === 'unknown') continue;
      const work = await findWork(ctx.db, one.serverId);
      const named = one.generation === work?.generation || JSON.stringify(work?.ref) === JSON.stringify(one.ref);
      const wanted = work && work.phase !== 'stopped' && work.phase !== 'queued' && named;
      // A higher generation than the row's cannot be: some other writer; leave it alone.
      if (wanted || (work && one.generation > work.generation)) continue;
      if (!before.has(id)) {
        suspects.add(id);
        ctx.log.warn(
          { server: one.serverId, generation: one.generation },
          'found something of ours that no server row names',
        );
        continue;
      }
      const ref = one.ref as Parameters<typeof ctx.spawner.stop>[0];
      const { phase } = await ctx.spawner.stop(ref, { graceMs: 0, force: true }, io);
      if (phase === 'absent' || phase === 'exited') await ctx.spawner.destroy(ref, io);
      else suspects.add(id);
      ctx.log.warn({ server: one.serverId, generation: one.generation, phase }, 'stopped an orphan');
    }
  }

  return {
    async run(signal) {
      let adopting: number | undefined = performance.now();
      while (!signal.aborted) {
        current = once(signal).catch((err) => {
          if (!signal.aborted) ctx.log.error({ err }, 'could not compare the servers with what runs; trying again');
        });
        await current;
        if (adopting !== undefined) ctx.metrics.initSpawners.observe({}, (performance.now() - adopting) / 1000);
        adopting = undefined;
        await ctx.clock.sleep(SWEEP_MS, signal).catch(() => {});
      }
    },
    idle: () => current,
  };
}

function key(serverId: string, generation: number): string {
  return `${serverId}.${generation}`;
}
