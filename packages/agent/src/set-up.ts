import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing, StartFault } from './errors.ts';
import { pause } from './retry.ts';
import type { StartWorld } from './start-server.ts';
import type { Story } from './story.ts';

const LOOK_MS = 1000;
const TIMEOUT_MS = 20 * 60_000;

/**
 * Waits while cloud-init installs the notebook server on a plain image (units/setup.sh), and tells the hub each step. An
 * image that carries everything has no such file. @throws StartFault when it failed or takes too long.
 */
export async function untilSetUp(world: StartWorld, say: Story['say']): Promise<void> {
  const { clock, root, signal } = world;
  const deadline = clock.now() + TIMEOUT_MS;
  for (let last = ''; ; await pause(clock, LOOK_MS, signal)) {
    signal.throwIfAborted();
    const state = (await readFile(join(root, 'var/lib/atrium/setup.state'), 'utf8').catch(ifMissing('done'))).trim();
    if (state === 'done') return;
    if (state.startsWith('failed'))
      throw new StartFault(
        'image',
        'setup_failed',
        `The machine could not be set up: ${state.slice('failed'.length).trim()}.`,
      );
    const [, message] = /^\d+ (.+)$/.exec(state) ?? [];
    if (message && message !== last) {
      // The script counts on its own scale; this part of the start lies between the disk (65) and the server (75).
      const percent = 65 + Math.min(9, Math.round(Number.parseInt(state, 10) / 10));
      say(percent, message);
      last = message;
    }
    if (clock.now() >= deadline)
      throw new StartFault('image', 'setup_slow', 'The notebook server could not be installed within twenty minutes.');
  }
}
