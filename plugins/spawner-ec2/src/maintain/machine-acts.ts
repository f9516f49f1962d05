import type { Ec2Instance } from '../calls/types.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import type { Round } from './round.ts';

/** The machine as it is now: nothing is done to one that has changed since the sweep. */
export async function fresh(
  world: Ec2World,
  seen: Pick<Ec2Instance, 'id'>,
  { io }: Round,
): Promise<Ec2Instance | undefined> {
  const now = await world.instances.look(seen.id, 1_000, { signal: io.signal });
  // Nothing without our id is ever touched, whatever a cache says.
  return now?.tags[TAG.clusterId] === world.cluster.id ? now : undefined;
}

/** Stops it; one that cannot be stopped is terminated. Homes are disks of their own. */
export async function stopMachine(world: Ec2World, seen: Ec2Instance, force = false): Promise<void> {
  if (seen.market === 'spot') await world.ec2.terminateInstances([seen.id]);
  else await world.ec2.stopInstance(seen.id, { hibernate: false, force });
  world.instances.stale(seen.id);
}

/** Somebody has set a home to be deleted with its machine: then the machine is not touched. */
export function takesHomeAlong(round: Round, seen: Ec2Instance): boolean {
  const homes = new Set(round.homes.map(({ volumeId }) => volumeId));
  const risk = seen.volumes.find(({ volumeId, deleteOnTermination }) => deleteOnTermination && homes.has(volumeId));
  if (!risk) return false;
  round.actions.push({
    code: 'home_at_risk',
    message: `${risk.volumeId} is a home and set to be deleted with ${seen.id}. The machine is left alone; detach the home.`,
    alert: true,
  });
  return true;
}
