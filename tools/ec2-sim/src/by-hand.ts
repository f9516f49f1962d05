import { interrupt, stop, terminate } from './ec2/lifecycle.ts';
import { releaseVolume } from './ec2/volume-state.ts';
import type { SimCore } from './sim.ts';

const USER = { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown: User initiated shutdown' };

/** What somebody at the console, or AWS itself, does behind the back of whoever is tested. */
export function byHand(core: SimCore) {
  const instance = (id: string) => {
    const found = core.world.instances.get(id);
    if (!found) throw new Error(`No instance ${id}`);
    return found;
  };
  return {
    terminate(id: string): void {
      terminate(core, instance(id), USER);
    },
    stop(id: string): void {
      if (instance(id).state === 'running') stop(core, instance(id), { reason: USER });
    },
    /** The two-minute notice, then what the launch asked for. */
    interruptSpot(id: string): void {
      if (instance(id).market !== 'spot') throw new Error(`${id} is not a spot instance`);
      interrupt(core, instance(id));
    },
    /** The volume is gone from its instance at once. */
    detach(volumeId: string): void {
      const volume = core.world.volumes.get(volumeId);
      if (!volume) throw new Error(`No volume ${volumeId}`);
      releaseVolume(core, volume);
    },
    /** Makes the status checks of an instance fail, as a broken machine's do. */
    impair(id: string, impaired = true): void {
      instance(id).impaired = impaired;
    },
  };
}
