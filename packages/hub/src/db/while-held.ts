import type { AppContext } from '../context.ts';
import { holdLease } from './leases.repo.ts';

/** Of a lease: its name, for how long it is taken, how often that is done anew, and who loses it, for the error; ms. */
export interface HeldLease {
  name: string;
  forMs: number;
  everyMs: number;
  work: string;
}

/**
 * Does something that one hub does at a time, and keeps the lease until it is over. Undefined without doing it when another
 * hub has the lease; the signal of `act` ends with it.
 */
export async function whileHeld<Result>(
  ctx: Pick<AppContext, 'db' | 'clock' | 'instanceId'>,
  { name, forMs, everyMs, work }: HeldLease,
  act: (lost: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> {
  const hold = () => {
    const now = ctx.clock.now();
    return holdLease(ctx.db, name, ctx.instanceId, now, now + forMs);
  };
  if (!(await hold())) return undefined;
  const over = new AbortController();
  const lost = new AbortController();
  const keeping = (async () => {
    for (;;) {
      await ctx.clock.sleep(everyMs, over.signal).catch(() => {});
      if (over.signal.aborted) return;
      // A database that cannot be reached says nothing; the lease lasts longer than one try.
      if (!(await hold().catch(() => true))) lost.abort(new Error(`another hub ${work} now`));
    }
  })();
  try {
    return await act(lost.signal);
  } finally {
    over.abort();
    await keeping;
  }
}
