import { HubError } from '@atrium/sdk';
import { Ec2Fault } from '../errors.ts';
import type { Ec2World } from '../world.ts';
import { changeHome, readHome } from './home-row.ts';
import { lookVolume } from './look.ts';

const HOUR_MS = 3_600_000;

/** Makes a home larger, while it is in use too. @throws HubError `bad_request` in words when it cannot be */
export async function resizeHome(
  world: Ec2World,
  storage: string,
  sizeGb: number,
  signal?: AbortSignal,
): Promise<void> {
  const { maxGb, resizeCooldownHours } = world.config.homes;
  const row = await readHome(world.store, storage);
  if (!row || row.tier === 'none')
    throw new HubError('not_found', 'There is no home yet. It is made at the first start.');
  if (!Number.isInteger(sizeGb)) throw new HubError('bad_request', 'The size of a home is a whole number of GB.');
  if (sizeGb > maxGb) throw new HubError('bad_request', `A home may have at most ${maxGb} GB here.`);
  if (sizeGb < row.sizeGb)
    throw new HubError(
      'bad_request',
      `A home can only grow; this one has ${row.sizeGb} GB. AWS cannot make a disk smaller.`,
    );
  if (row.making) throw new HubError('server_pending', 'This home is being made. Try again in a few minutes.');
  if (row.tier === 'archived' || row.volumeId === null) {
    // It has the new size when it comes back.
    await changeHome(world.store, storage, (now) => ({ ...now, sizeGb }));
    return;
  }
  const volume = await lookVolume(world, row.volumeId, signal);
  if (!volume)
    throw new HubError('bad_request', 'This home cannot be found in AWS now. Start the server once, then try again.');
  if (volume.sizeGb >= sizeGb) {
    await settle(world, storage, volume.sizeGb, row.sizeGb < volume.sizeGb || row.growTo !== null);
    return;
  }
  const free = (row.resizedAt ?? 0) + resizeCooldownHours * HOUR_MS;
  if (world.clock.now() < free) throw tooSoon(free);
  try {
    await world.ec2.modifyVolume(row.volumeId, sizeGb, signal && { signal });
  } catch (error) {
    if (error instanceof Ec2Fault && error.class === 'state') {
      // An answer that was lost: the change is under way already.
      const [change] = await world.ec2.describeVolumesModifications([row.volumeId], signal && { signal });
      if (change?.sizeGb === sizeGb) return settle(world, storage, sizeGb, true);
      throw tooSoon(change && change.startedAt + resizeCooldownHours * HOUR_MS, error);
    }
    throw error;
  }
  await settle(world, storage, sizeGb, true);
}

async function settle(world: Ec2World, storage: string, sizeGb: number, grow: boolean): Promise<void> {
  await changeHome(world.store, storage, (now) => ({
    ...now,
    sizeGb,
    resizedAt: grow ? world.clock.now() : now.resizedAt,
    growTo: grow ? sizeGb : now.growTo,
  }));
}

function tooSoon(free: number | undefined, cause?: unknown): HubError {
  const when =
    free === undefined
      ? 'some hours from now'
      : `after ${new Date(free).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return new HubError('bad_request', `AWS lets a disk be changed only once in some hours. Try again ${when}.`, {
    cause,
  });
}
