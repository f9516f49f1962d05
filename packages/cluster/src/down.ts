import type { Instance } from '@aws-sdk/client-ec2';
import { orGone, readable } from './aws/errors.ts';
import { ClusterError } from './config.ts';
import { takeLock } from './engine/lock.ts';
import type { Scene } from './engine/part.ts';
import { isHome, isHubData, roleOf, takeInventory } from './inventory.ts';
import { dnsParts } from './parts/dns.ts';
import { removeDataVolume } from './parts/manager-data.ts';
import { BUILT_IN } from './prices.ts';
import { KINDS, removeKind } from './remove.ts';
import { type ClusterInput, openScene } from './scene.ts';
import { parameterPath, TAG, type Tagged, tagOf } from './tags.ts';

export interface DownOptions {
  deleteHomes?: boolean;
  deleteHubData?: boolean;
  /** The cluster's name, typed by the person; needed for either. */
  confirm?: string;
}

/** One thing that is left, and what it costs a month. */
export interface Remaining {
  id: string;
  what: string;
  perMonth: number;
}

export interface DownResult {
  removed: { kind: string; id: string }[];
  remaining: Remaining[];
  perMonth: number;
}

const BATCH = 100;
const PATIENCE_MS = 900_000;
const PAUSE_MS = 3_000;

/**
 * Removes the cluster, except what cannot be made again: people's homes and the hub's disk.
 * @throws ClusterError when data is to be deleted without the typed name; nothing is touched then.
 */
export async function downCluster(input: ClusterInput, options: DownOptions = {}): Promise<DownResult> {
  const { name } = input.config;
  if ((options.deleteHomes || options.deleteHubData) && options.confirm !== name) {
    throw new ClusterError(`Data would be deleted for good. If that is meant, add: --confirm ${name}`);
  }
  const scene = await openScene(input);
  if (!scene.owner)
    throw new ClusterError(`There is no cluster "${name}" in account ${scene.account}, ${scene.region}.`);
  try {
    return await takeDown(scene, options);
  } catch (error) {
    throw readable(error);
  }
}

async function takeDown(scene: Scene, options: DownOptions): Promise<DownResult> {
  const removed: DownResult['removed'] = [];
  await using lock = await takeLock(scene, 'down');
  const keep = () => lock.keep();

  // The manager first: a hub that is stopped starts nothing any more, and its database is closed properly.
  await endMachines(scene, ['manager', 'builder'], 'stop', keep);
  removed.push(...(await endMachines(scene, undefined, 'terminate', keep)));
  for (const part of dnsParts(scene.config)) {
    const seen = await part.look(scene);
    if ('id' in seen) await part.remove?.(scene, seen.id);
  }
  for (const kind of KINDS) {
    const gone = await removeKind(scene, kind, keep);
    for (const id of gone) removed.push({ kind: kind.title, id });
    if (gone.length > 0) scene.say(`removed: ${kind.title} ${gone.join(', ')}`);
  }
  if (options.deleteHomes) removed.push(...(await deleteHomes(scene, keep)));
  removed.push(...(await deleteLeftRoots(scene, keep)));
  if (options.deleteHubData) await deleteHubData(scene, keep);
  const remaining = await remainingOf(scene);
  // The id stays as long as something carries it: a later `up` of this name finds the homes by it.
  if (remaining.every(({ perMonth }) => perMonth === 0)) {
    await orGone((await scene.aws.ssm()).deleteParameter({ Name: parameterPath(scene.config.name, 'cluster') }));
    return { removed, remaining: [], perMonth: 0 };
  }
  return { removed, remaining, perMonth: remaining.reduce((sum, each) => sum + each.perMonth, 0) };
}

/** @param roles undefined for all of them. */
async function endMachines(
  scene: Scene,
  roles: readonly string[] | undefined,
  how: 'stop' | 'terminate',
  keep: () => Promise<void>,
): Promise<DownResult['removed']> {
  const ec2 = await scene.aws.ec2();
  const deadline = scene.clock.now() + PATIENCE_MS;
  const asked = new Set<string>();
  for (;;) {
    const { instances } = await takeInventory(scene);
    const there = instances.filter(
      (each) => (!roles || roles.includes(roleOf(each) ?? '')) && !(how === 'stop' && isStopped(each)),
    );
    if (there.length === 0) break;
    const ids = there.map(({ InstanceId }) => InstanceId!).filter((id) => !asked.has(id));
    for (let at = 0; at < ids.length; at += BATCH) {
      await keep();
      const InstanceIds = ids.slice(at, at + BATCH);
      if (how === 'stop') await orGone(ec2.stopInstances({ InstanceIds }));
      else await orGone(ec2.terminateInstances({ InstanceIds }));
      for (const id of InstanceIds) asked.add(id);
      scene.say(`${how === 'stop' ? 'stopping' : 'ending'} ${InstanceIds.length} machine(s)`);
    }
    if (scene.clock.now() > deadline) {
      const stuck = there.map((each) => `${each.InstanceId} (${each.State?.Name})`).join(', ');
      throw new ClusterError(`These machines do not end: ${stuck}. Run the same command again; it goes on here.`);
    }
    await scene.clock.sleep(PAUSE_MS);
    await keep();
  }
  return [...asked].map((id) => ({ kind: 'machine', id }));
}

const isStopped = ({ State }: Instance) => State?.Name === 'stopped' || State?.Name === 'shutting-down';

async function deleteHomes(scene: Scene, keep: () => Promise<void>): Promise<DownResult['removed']> {
  const ec2 = await scene.aws.ec2();
  const { volumes, snapshots } = await takeInventory(scene);
  const removed: DownResult['removed'] = [];
  for (const { VolumeId } of volumes.filter(isHome)) {
    await keep();
    await orGone(ec2.deleteVolume({ VolumeId }));
    removed.push({ kind: 'home', id: VolumeId! });
  }
  for (const { SnapshotId } of snapshots.filter(isHome)) {
    await keep();
    await orGone(ec2.deleteSnapshot({ SnapshotId }));
    removed.push({ kind: 'copy of a home', id: SnapshotId! });
  }
  return removed;
}

/** System disks that outlived their machines. Nobody's work lies on them. */
async function deleteLeftRoots(scene: Scene, keep: () => Promise<void>): Promise<DownResult['removed']> {
  const ec2 = await scene.aws.ec2();
  const { volumes } = await takeInventory(scene);
  const left = volumes.filter(
    (volume) =>
      ['worker', 'spare', 'builder', 'manager'].includes(roleOf(volume) ?? '') && volume.State === 'available',
  );
  for (const { VolumeId } of left) {
    await keep();
    await orGone(ec2.deleteVolume({ VolumeId }));
  }
  return left.map(({ VolumeId }) => ({ kind: 'system disk', id: VolumeId! }));
}

async function deleteHubData(scene: Scene, keep: () => Promise<void>): Promise<void> {
  const deadline = scene.clock.now() + 3_600_000;
  scene.say("taking a last copy of the hub's disk before it goes");
  while ((await removeDataVolume(scene)) === 'waiting') {
    if (scene.clock.now() > deadline)
      throw new ClusterError("The last copy of the hub's disk is not complete after an hour.");
    await scene.clock.sleep(PAUSE_MS);
    await keep();
  }
}

/** Everything of ours that still costs, and the id that leads back to it. */
export async function remainingOf(scene: Scene): Promise<Remaining[]> {
  const { instances, volumes, snapshots } = await takeInventory(scene);
  const whose = (thing: Tagged) => {
    const user = tagOf(thing, TAG.user);
    return user ? ` of ${user}` : '';
  };
  const left: Remaining[] = [
    ...instances.map((each) => ({ id: each.InstanceId!, what: `machine (${each.State?.Name})`, perMonth: 0 })),
    ...volumes.map((each) => ({
      id: each.VolumeId!,
      what: `${isHubData(each) ? "the hub's disk" : isHome(each) ? `home${whose(each)}` : 'disk'}, ${each.Size} GB`,
      perMonth: (each.Size ?? 0) * BUILT_IN.diskGbMonth,
    })),
    ...snapshots.map((each) => ({
      id: each.SnapshotId!,
      what: `${isHubData(each) ? "copy of the hub's disk" : `copy of a home${whose(each)}`}, at most ${each.VolumeSize} GB`,
      perMonth: (each.VolumeSize ?? 0) * BUILT_IN.snapshotGbMonth,
    })),
  ];
  if (left.length === 0) return [];
  const id = parameterPath(scene.config.name, 'cluster');
  return [...left, { id, what: 'the id of the cluster, by which up finds all this again', perMonth: 0 }];
}
