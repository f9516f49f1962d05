import type { Address, Clock, Log } from '@atrium/sdk';
import type { ProxyStats } from './context.ts';
import { openControl } from './control.ts';

export interface FiguresOptions {
  control: Address;
  clock: Clock;
  log: Log;
  everyMs: number;
  stats(): ProxyStats;
}

/**
 * Tells the hub now and then what the proxy counts, for its metrics. Until the signal; what does not arrive is forgotten,
 * because the next report has everything again.
 */
export async function tellFigures(options: FiguresOptions, signal: AbortSignal): Promise<void> {
  const { control, clock, log, everyMs, stats } = options;
  while (!signal.aborted) {
    try {
      const { routeVersion = null, ...rest } = stats();
      const within = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
      const body = JSON.stringify({ ...rest, routeVersion });
      (await openControl(control, 'POST', '/figures', body, within)).resume();
    } catch (err) {
      if (!signal.aborted) log.debug({ err }, 'figures not told; the next report has them again');
    }
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}
