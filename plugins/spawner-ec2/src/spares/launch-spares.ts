import type { Json } from '@atrium/sdk';
import type { Ec2Instance, Launch } from '../calls/types.ts';
import { Ec2Fault } from '../errors.ts';
import { tokenOf } from '../homes/home-row.ts';
import { nextRung, rungs } from '../ladder.ts';
import type { Profile } from '../profile-config.ts';
import { TAG, tagsOf } from '../tags.ts';
import { userData } from '../user-data.ts';
import type { Ec2World } from '../world.ts';
import { batchKey, type SpareBatch, type SpareRow, spareKey } from './spare-row.ts';

/** A batch whose outcome is unknown is repeated for so long; EC2 remembers its token for longer. */
const REPEAT_MS = 3_600_000;

/** Decides what is to be made in one zone; undefined when nothing that would do is free there now. */
export async function newBatch(
  world: Ec2World,
  profile: Profile,
  zone: string,
  count: number,
): Promise<SpareBatch | undefined> {
  const ladder = rungs(
    {
      types: profile.types,
      market: profile.market,
      spotFallback: profile.spotFallback,
      zones: [zone],
      pinned: zone,
      serverId: profile.id,
    },
    world.capacity,
  );
  const next = nextRung(ladder, world.capacity);
  if ('retryAt' in next) return undefined;
  const imageId = profile.image ? await world.images.find(profile.image) : null;
  const wantsRoot = profile.rootGb !== undefined || profile.onIdle === 'hibernate';
  const [image] = wantsRoot && imageId ? await world.ec2.describeImages({ ids: [imageId] }) : [];
  const at = world.clock.now();
  return {
    cluster: world.cluster.id,
    token: tokenOf(world, 'spares', profile.id, next.rung.zone, next.rung.type, next.rung.market, at, count),
    ...next.rung,
    subnetId: world.config.subnets.find((one) => one.zone === zone)?.id ?? '',
    imageId,
    rootDevice: image?.rootDevice ?? null,
    profile: profile.id,
    at,
    count,
  };
}

/** Makes the call of a batch that is saved, for the first time or again, and enters what it made. @throws Ec2Fault */
export async function launchBatch(world: Ec2World, batch: SpareBatch, signal?: AbortSignal): Promise<number> {
  const { store } = world;
  const profile = world.config.profiles.find(({ id }) => id === batch.profile);
  let made: Ec2Instance[] = [];
  try {
    made = profile
      ? await world.ec2.runInstances(launchOf(world, profile, batch), signal && { signal })
      : await byToken(world, batch, signal);
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    if (error.class === 'mismatch') made = await byToken(world, batch, signal);
    else {
      if (error.class === 'capacity') world.capacity.note(batch);
      // Nothing was made. What passes by itself is repeated with the same token, for a while.
      if (!error.retryable || world.clock.now() - batch.at > REPEAT_MS) await store.delete(batchKey(batch.token));
      throw error;
    }
  }
  for (const { id } of made) {
    const row: SpareRow = {
      cluster: world.cluster.id,
      instanceId: id,
      profile: batch.profile,
      zone: batch.zone,
      at: batch.at,
      taken: null,
    };
    await store.claim(spareKey(id), row as Json);
  }
  world.instances.see(made);
  await store.delete(batchKey(batch.token));
  return made.length;
}

/** The configuration has changed since the call went out: what it made is found by its token. */
function byToken(world: Ec2World, { token }: SpareBatch, signal?: AbortSignal): Promise<Ec2Instance[]> {
  return world.ec2.describeInstances({ filters: { 'client-token': [token] } }, signal && { signal });
}

/** What RunInstances is called with: the same as for a start of this profile, but for nobody. */
function launchOf(world: Ec2World, profile: Profile, batch: SpareBatch): Launch {
  const { config } = world;
  return {
    token: batch.token,
    count: batch.count,
    type: batch.type,
    subnetId: batch.subnetId,
    market: batch.market,
    ...(batch.imageId !== null && { imageId: batch.imageId }),
    ...(config.launchTemplate && { launchTemplate: config.launchTemplate }),
    securityGroups: config.securityGroups,
    ...(profile.rootGb !== undefined && { rootGb: profile.rootGb }),
    ...(batch.rootDevice !== null && { rootDevice: batch.rootDevice }),
    hibernate: profile.onIdle === 'hibernate',
    ...(profile.egress !== undefined && { publicIp: profile.egress === 'public' }),
    ...(profile.instanceProfile !== undefined && { instanceProfile: profile.instanceProfile }),
    ...userData(world),
    tags: tagsOf(world.cluster, 'spare', {
      [TAG.profile]: batch.profile,
      [TAG.name]: `${world.cluster.name} spare ${batch.profile}`,
    }),
  };
}
