import type { Clock } from '@atrium/sdk';
import { Ec2Fault, toFault } from '../errors.ts';
import type { Buckets } from './limits.ts';

/** When the same call is made again here: after any passing error, only after throttling (nothing was done), or never. */
export type Again = 'any' | 'throttle' | 'never';

export interface SendOptions {
  /** Bucket of the API, when it is another than the API's own. */
  bucket?: string;
  again: Again;
  signal?: AbortSignal | undefined;
}

/** Makes one call: waits for its bucket, classifies its error, tries again where that is safe. */
export type Send = <Out>(api: string, call: () => Promise<Out>, options: SendOptions) => Promise<Out>;

const MOST_TRIES = 4;
const BACK_OFF = { first: 300, most: 20_000 };

export function sender(clock: Clock, buckets: Buckets): Send {
  return async (api, call, { bucket = api, again, signal }) => {
    for (let tries = 1; ; tries += 1) {
      await buckets(bucket).take(1, signal);
      try {
        return await call();
      } catch (error) {
        const fault = toFault(api, error);
        if (!(fault instanceof Ec2Fault)) throw fault;
        const throttled = fault.class === 'throttle';
        if (throttled) buckets(bucket).refused();
        const passing = again === 'any' ? throttled || fault.class === 'transient' : again === 'throttle' && throttled;
        if (!passing || tries === MOST_TRIES) throw fault;
        // Full jitter: those that failed together do not come back together.
        await clock.sleep(Math.random() * Math.min(BACK_OFF.first * 2 ** tries, BACK_OFF.most), signal);
      }
    }
  };
}
