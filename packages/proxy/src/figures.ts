import type { Address, Clock, Log } from '@atrium/sdk';
import type { ProxyStats } from './context.ts';
import { openControl } from './control.ts';

/** Which proxy it is. */
export interface ProxyAbout {
  /** As in its route stream: no other one has this name. */
  proxy: string;
  pid: number;
  /** Of the program; null when it was not told. */
  version: string | null;
  /** Ms since the epoch. */
  startedAt: number;
}

export interface FiguresOptions {
  control: Address;
  clock: Clock;
  log: Log;
  everyMs: number;
  about: ProxyAbout;
  stats(): ProxyStats;
}

/**
 * Tells the hub now and then what the proxy counts, for its metrics. Until the signal; what does not arrive is forgotten,
 * because the next report has everything again.
 */
export async function tellFigures(options: FiguresOptions, signal: AbortSignal): Promise<void> {
  const { control, clock, log, everyMs, about, stats } = options;
  while (!signal.aborted) {
    try {
      const { routeVersion = null, ...rest } = stats();
      const within = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
      const body = JSON.stringify({ ...about, ...rest, routeVersion });
      (await openControl(control, 'POST', '/figures', body, within)).resume();
    } catch (err) {
      if (!signal.aborted) log.debug({ err }, 'figures not told; the next report has them again');
    }
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}
