import type { Clock, Log } from '@atrium/sdk';
import { textOf } from '../errors.ts';
import type { Imds } from '../imds.ts';
import { pause } from '../retry.ts';

const EVERY_MS = 5000;

/**
 * Asks every five seconds, as AWS advises, whether this spot machine is about to be taken back; calls `told` once per
 * notice. Returns at once on a machine that is not a spot instance.
 */
export async function watchSpot(
  imds: Imds,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
  told: (notice: { action: string; at: number }) => Promise<void>,
): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    try {
      if ((await imds.read('meta-data/instance-life-cycle'))?.trim() !== 'spot') return;
      break;
    } catch (error) {
      log.debug({ error: textOf(error) }, 'the metadata service did not say whether this is a spot machine');
      await pause(clock, EVERY_MS, signal);
    }
  }
  while (!signal.aborted) {
    try {
      const notice = await imds.spotNotice();
      const key = notice ? `${notice.action} ${notice.at}` : '';
      if (notice && key !== last) {
        await told(notice);
        last = key;
      }
    } catch (error) {
      log.debug({ error: textOf(error) }, 'the metadata service could not be asked for a spot notice');
    }
    await pause(clock, EVERY_MS, signal);
  }
}
