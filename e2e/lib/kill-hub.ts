import { vi } from 'vitest';
import type { Up } from '../../packages/atrium/src/testing/cli.ts';

/** Until a killed hub is back; ms. */
const BACK = 60_000;

/** Kills the hub that serves and waits until another does. */
export async function killHub(up: Up): Promise<void> {
  const { hubPid } = up.state();
  if (hubPid === undefined) throw new Error('No hub runs');
  process.kill(hubPid, 'SIGKILL');
  await vi.waitFor(
    () => {
      if (up.state().hubPid === hubPid) throw new Error('The hub did not come back in time');
    },
    { timeout: BACK, interval: 20 },
  );
}
