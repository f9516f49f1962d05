import type { HubSide } from '../context.ts';
import { openControl } from '../control.ts';

/** Shorter than a connection without TLS may last. */
const PATIENCE_MS = 10_000;

/** Whether the hub says that it is well. One that restarts is waited for, as at the port with TLS. */
export async function isHubWell(hub: HubSide, gone: AbortSignal): Promise<boolean> {
  const { control, healthPath, gate, waitMs } = hub;
  const signal = AbortSignal.any([gone, AbortSignal.timeout(Math.min(waitMs, PATIENCE_MS))]);
  const ask = async () => void (await openControl(control, 'GET', healthPath, undefined, signal)).resume();
  try {
    await ask().catch(async () => {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const giveUp = gate.wait(resolve);
        signal.addEventListener('abort', () => {
          giveUp();
          reject(signal.reason);
        });
      });
      await ask();
    });
    return true;
  } catch {
    return false;
  }
}
