import type { Json } from '@atrium/sdk';
import { HubError } from '@atrium/sdk';
import { Ec2Fault } from '../errors.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { emptyTrash } from './archive.ts';
import { changeHome, homeKey, newHome, readHome } from './home-row.ts';
import { findByTag } from './look.ts';
import { clearRestore } from './restore.ts';
import { snapshotsOf } from './snapshots.ts';

const PATIENCE_MS = 45_000;
const POLL_MS = 1_500;

/**
 * Deletes a home for good: its volume, its copies and every snapshot. Only where the policy allows it. Returns when all
 * of it is gone; may be called again after it was cut off. @throws HubError in words
 */
export async function destroyHome(world: Ec2World, storage: string, signal?: AbortSignal): Promise<void> {
  if (!world.config.homes.deleteAllowed)
    throw new HubError(
      'not_allowed',
      "This installation keeps people's data: `homes.deleteAllowed` is not set for the EC2 spawner. Nothing was deleted.",
    );
  const options = signal && { signal };
  // Also what no row names: a home whose row was lost is found by its tags.
  const tagged = (await findByTag(world, storage, signal)).volumes;
  await refuseInUse(
    world,
    tagged.flatMap(({ attachments }) => attachments.map(({ instanceId }) => instanceId)),
  );
  if (!(await readHome(world.store, storage)))
    await world.store.claim(homeKey(storage), { ...newHome(storage, '', 1, world.clock.now()), tier: 'none' } as Json);
  const row = await changeHome(world.store, storage, (now) => ({
    ...now,
    tier: 'none',
    volumeId: null,
    zone: null,
    making: null,
    taking: null,
    snapshotId: null,
    snapshotAt: null,
    snapshotWhy: null,
    growTo: null,
    restores: now.restores.map((one) => ({ ...one, done: true })),
    trash: [...new Set([...now.trash, ...(now.volumeId ? [now.volumeId] : []), ...tagged.map(({ id }) => id)])],
  }));
  for (const snapshot of await snapshotsOf(world, storage, options)) {
    try {
      await world.ec2.deleteSnapshot(snapshot.id, options);
    } catch (error) {
      if (!(error instanceof Ec2Fault) || error.code !== 'InvalidSnapshot.NotFound') throw error;
    }
  }
  const deadline = world.clock.now() + PATIENCE_MS;
  for (
    let now = row;
    now && (now.trash.length > 0 || now.restores.length > 0);
    now = await readHome(world.store, storage)
  ) {
    for (const restore of now.restores) await clearRestore(world, storage, restore, signal);
    await emptyTrash(world, now, signal);
    const left = await readHome(world.store, storage);
    if (!left || (left.trash.length === 0 && left.restores.length === 0)) break;
    if (world.clock.now() > deadline)
      throw new HubError('server_pending', 'AWS is still detaching the disk. The deletion goes on by itself.');
    await world.clock.sleep(POLL_MS, signal);
  }
}

async function refuseInUse(world: Ec2World, holders: readonly string[]): Promise<void> {
  for (const id of new Set(holders)) {
    const instance = await world.instances.look(id, 0);
    if (instance && ['pending', 'running', 'stopping'].includes(instance.state))
      throw new HubError(
        'bad_request',
        `This home is in use by ${instance.tags[TAG.server] ?? id}. Stop the server first.`,
      );
  }
}
