import type { AppContext } from '../../context.ts';
import { asHub } from '../../http/origin.ts';
import { LOOK_MS } from '../../http/vitals.ts';
import { countFree, readQueue } from '../queue.repo.ts';
import { isReady } from '../server.ts';
import { admitAll } from './admit.ts';
import { dropForeignLeases, findWork, listDue, renewLeases, takeLease, type Work } from './controller.repo.ts';
import { naps } from './naps.ts';
import { runStart } from './start.ts';
import { LostLease } from './steps.ts';
import { runStop } from './stop.ts';
import { createSweep } from './sweep.ts';

const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** More would hold up whoever else wants the database; fewer cost a commit each. */
const ADMITTED_TOGETHER = 16;

export interface Controller extends AsyncDisposable {
  /** Begins acting: adopts what an earlier hub left, then follows intents. Returns at once. */
  start(): void;
}

interface Task {
  /** What it works towards; a start is aborted when the row wants a stop. */
  kind: 'start' | 'stop';
  /** Somebody asked something of its row meanwhile: look again when it is done. */
  again: boolean;
  abort: AbortController;
  done: Promise<void>;
}

/**
 * Makes reality match the rows (architecture §3). One task per server that is between two phases, driven to the end;
 * what a task knows is in the row, so that any hub can take over at any await.
 */
export function createController(ctx: AppContext): Controller {
  const tasks = new Map<string, Task>();
  const dirty = new Set<string>();
  const closing = new AbortController();
  const sweep = createSweep(ctx);
  const resting = naps(ctx.clock);
  let looking: Promise<void> = Promise.resolve();
  let scheduled = false;
  let admitting = false;
  /** Somebody may be queued: unset by a look that left nobody behind. */
  let waiting = true;
  const ends: (() => void)[] = [];

  /** Looks at the named rows (or at all that are due) after the current turn, so that a burst is one look. */
  function schedule(): void {
    if (scheduled || closing.signal.aborted) return;
    scheduled = true;
    looking = looking.then(async () => {
      scheduled = false;
      const ids = [...dirty];
      dirty.clear();
      const looked = await Promise.all(ids.map(look)).catch(report);
      const admitted = await admitWaiting().catch(report);
      if (looked && admitted) ctx.vitals.controllerLooked();
    });
  }

  function report(err: unknown): false {
    // The database may be gone; rows stay as they are and the next look tries again.
    if (!closing.signal.aborted)
      ctx.log.error({ err }, 'the controller could not read or write its rows; trying again');
    return false;
  }

  async function look(id: string): Promise<void> {
    const running = tasks.get(id);
    if (running) running.again = true;
    const work = await findWork(ctx.db, id);
    if (!work) return;
    if (running) {
      if (running.kind === 'start' && work.desired === 'stopped') running.abort.abort(new Error('cancelled'));
      return;
    }
    if (work.phase === 'stopped' || work.phase === 'queued' || isReady(work)) return;
    const now = ctx.clock.now();
    const lease = await takeLease(ctx.db, id, ctx.instanceId, now, now + LEASE_MS);
    if (lease === 'taken over') ctx.metrics.leaseTakeOvers.inc({});
    if (lease) run(id);
  }

  /** Drives one row until it rests. `admitted`: what it became just now, to spare reading it. */
  function run(id: string, admitted?: Work): void {
    if (tasks.has(id) || closing.signal.aborted) return;
    const task: Task = { kind: 'stop', again: false, abort: new AbortController(), done: Promise.resolve() };
    tasks.set(id, task);
    // After an error the safety net comes back to it, not at once.
    let rests = true;
    task.done = drive(id, task, admitted)
      .then((outcome) => {
        rests = outcome;
      })
      .catch((err) => {
        if (err instanceof LostLease || closing.signal.aborted) return;
        ctx.log.error({ err, server: id }, 'a step of a server failed; trying again');
      })
      .finally(() => {
        tasks.delete(id);
        if (!rests || task.again) dirty.add(id);
        schedule();
      })
      .then(() => {});
  }

  /** True when the row is known to rest afterwards. */
  async function drive(id: string, task: Task, admitted: Work | undefined): Promise<boolean> {
    const { signal } = task.abort;
    const work = admitted ?? (await findWork(ctx.db, id));
    if (!work) return true;
    if (work.phase === 'starting' && work.desired === 'running') {
      task.kind = 'start';
      using nap = resting.of(id);
      return await asHub(work.requestId ?? undefined, () => runStart(ctx, work, signal, nap));
    }
    if (work.phase !== 'stopped' && work.phase !== 'queued' && !isReady(work)) {
      task.kind = 'stop';
      await asHub(work.requestId ?? undefined, () => runStop(ctx, work, signal));
    }
    return false;
  }

  /** True, so that an error's `false` is told apart. */
  async function admitWaiting(): Promise<true> {
    if (admitting || !waiting || closing.signal.aborted) return true;
    admitting = true;
    try {
      const free = await countFree(ctx.db, ctx.config.start);
      if (free === 0) return true;
      waiting = false;
      const queue = await readQueue(ctx.db, free);
      waiting ||= queue.length === free;
      while (queue.length > 0) {
        const some = queue.splice(0, ADMITTED_TOGETHER);
        for (const work of await admitAll(ctx, some, ctx.clock.now() + LEASE_MS)) run(work.id, work);
      }
      return true;
    } catch (error) {
      waiting = true;
      throw error;
    } finally {
      admitting = false;
    }
  }

  async function every(ms: number, act: () => Promise<unknown>): Promise<void> {
    while (!closing.signal.aborted) {
      await act().catch(report);
      await ctx.clock.sleep(ms, closing.signal).catch(() => {});
    }
  }

  return {
    start() {
      ends.push(
        ctx.wakeups.on('servers', (id) => {
          if (id) dirty.add(id);
          waiting = true;
          schedule();
        }),
      );
      ctx.vitals.controllerLooked();
      ends.push(ctx.wakeups.on('starts', (id) => resting.wake(id)));
      void (async () => {
        if (ctx.dialect === 'sqlite') {
          const dropped = await dropForeignLeases(ctx.db, ctx.instanceId).catch(report);
          if (dropped) ctx.metrics.leaseTakeOvers.inc({}, dropped);
        }
        void every(LOOK_MS, async () => {
          for (const id of await listDue(ctx.db, ctx.clock.now(), ctx.instanceId)) if (!tasks.has(id)) dirty.add(id);
          waiting = true;
          schedule();
        });
        void every(RENEW_MS, () => renewLeases(ctx.db, [...tasks.keys()], ctx.instanceId, ctx.clock.now() + LEASE_MS));
        void sweep.run(closing.signal);
      })();
    },
    async [Symbol.asyncDispose]() {
      const reason = new Error('the hub is closing');
      closing.abort(reason);
      // Not by AbortSignal.any, whose cost grows with the tasks that follow one signal.
      for (const { abort } of tasks.values()) abort.abort(reason);
      for (const end of ends) end();
      await looking;
      await Promise.allSettled([...tasks.values()].map((task) => task.done));
      await sweep.idle();
    },
  };
}
