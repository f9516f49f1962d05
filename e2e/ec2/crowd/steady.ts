import type { Region } from './region.ts';

/** What a time of working costs in calls. */
export interface Steady {
  running: number;
  /** Simulated seconds. */
  seconds: number;
  calls: Record<string, number>;
  perSecond: number;
  throttled: number;
}

/** Lets everybody go on as they are for `ms` of the region's clock, and counts every call to AWS that is made meanwhile. */
export async function goOn(ms: number, { sim, agents }: Region): Promise<Steady> {
  const since = sim.calls.mark();
  const began = sim.clock.now();
  await sim.clock.sleep(ms);
  const seconds = (sim.clock.now() - began) / 1000;
  const calls = sim.calls.byAction({ since });
  const all = Object.values(calls).reduce((sum, count) => sum + count, 0);
  return {
    running: agents(),
    seconds: Math.round(seconds),
    calls,
    perSecond: Math.round((all / seconds) * 1000) / 1000,
    throttled: sim.calls.count({ since, code: 'RequestLimitExceeded' }),
  };
}
