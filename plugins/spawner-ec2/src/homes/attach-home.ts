import { SpawnFault } from '@atrium/sdk';
import { Ec2Fault } from '../errors.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { CONSISTENCY_MS, nextMaking } from './ensure-home.ts';
import { changeHome } from './home-row.ts';
import { findByTag, lookVolume } from './look.ts';

/** Device names are only asked for: on Nitro machines the disk is found by its serial, which is the volume's id. */
export const HOME_DEVICE = '/dev/sdh';

/** A single "no such volume" of long ago says nothing about one of now. */
const FORGET_MS = 10 * 60_000;

export interface AttachWanted {
  storage: string;
  volumeId: string;
  instanceId: string;
}

/**
 * One step towards the home being attached to this machine, which must be running or stopped.
 * @throws SpawnFault when another running machine has it; Ec2Fault
 */
export async function attachHome(
  world: Ec2World,
  { storage, volumeId, instanceId }: AttachWanted,
  signal?: AbortSignal,
): Promise<'attaching' | 'attached'> {
  const volume = await lookVolume(world, volumeId, signal);
  if (!volume) {
    await missing(world, storage, volumeId, signal);
    return 'attaching';
  }
  const here = volume.attachments.find((one) => one.instanceId === instanceId && one.state !== 'detached');
  if (here) return here.state === 'attached' ? 'attached' : 'attaching';
  const elsewhere = volume.attachments.find((one) => one.state !== 'detached');
  if (elsewhere) {
    if (elsewhere.state !== 'detaching') await free(world, volumeId, elsewhere.instanceId, signal);
    return 'attaching';
  }
  if (volume.state !== 'available') return 'attaching';
  await changeHome(world.store, storage, (row) =>
    row.missingSince === null || row.volumeId !== volumeId ? undefined : { ...row, missingSince: null },
  );
  try {
    await world.ec2.attachVolume(volumeId, instanceId, HOME_DEVICE, signal && { signal });
  } catch (error) {
    // Somebody did it a moment ago, or the machine is not far enough: the next look tells.
    if (!(error instanceof Ec2Fault) || !['state', 'consistency'].includes(error.class)) throw error;
  }
  return 'attaching';
}

/** Takes the volume from a machine of ours that does not run. */
async function free(world: Ec2World, volumeId: string, holder: string, signal?: AbortSignal): Promise<void> {
  const instance = await world.instances.look(holder, 2_000, signal && { signal });
  // It goes with its machine by itself.
  if (!instance || instance.state === 'terminated' || instance.state === 'shutting-down') return;
  if (instance.tags[TAG.clusterId] !== world.cluster.id)
    throw new SpawnFault({
      class: 'config',
      code: 'home_attached_elsewhere',
      message: `Your home disk is attached to ${holder}, a machine that is not part of this installation.`,
      advice: 'An administrator must detach it.',
    });
  if (instance.state === 'stopping') return;
  if (instance.state !== 'stopped')
    throw new SpawnFault({
      class: 'user',
      code: 'home_in_use',
      message: 'Your home disk is in use by another server of yours. A disk can be on one machine at a time.',
      advice: 'Stop the other server first.',
    });
  try {
    await world.ec2.detachVolume(volumeId, { force: false }, signal && { signal });
  } catch (error) {
    if (!(error instanceof Ec2Fault) || !['state', 'consistency'].includes(error.class)) throw error;
  }
}

/**
 * EC2 does not know the volume. When it says so for a minute, somebody has deleted it: the newest snapshot takes its
 * place, or an empty home. Nobody is locked out for what cannot be undone.
 */
async function missing(world: Ec2World, storage: string, volumeId: string, signal?: AbortSignal): Promise<void> {
  const now = world.clock.now();
  const row = await changeHome(world.store, storage, (seen) =>
    seen.volumeId === volumeId && (seen.missingSince === null || now - seen.missingSince > FORGET_MS)
      ? { ...seen, missingSince: now }
      : undefined,
  );
  if (row?.volumeId !== volumeId || row.missingSince === null || now - row.missingSince < CONSISTENCY_MS) return;
  const { snapshots } = await findByTag(world, storage, signal);
  const newest = snapshots[0];
  world.log.error({ storage, volume: volumeId, snapshot: newest?.id }, 'a home volume was deleted outside');
  await changeHome(world.store, storage, (seen) => {
    if (seen.volumeId !== volumeId || !seen.zone) return undefined;
    const next = { ...seen, fresh: newest ? seen.fresh : true, sizeGb: Math.max(seen.sizeGb, newest?.sizeGb ?? 0) };
    return { ...next, ...nextMaking(world, next, seen.zone, newest?.id ?? null), lost: [...seen.lost, volumeId] };
  });
}
