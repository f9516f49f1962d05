import type { CallOptions, Ec2Instance, Ec2Volume } from './calls/types.ts';
import { TAG } from './tags.ts';
import type { Ec2World } from './world.ts';

/*
 * One look at everything of ours, shared by all who need it: the hub's sweep, upkeep and the ledger would otherwise each
 * pay for one, and a thousand machines are ten calls.
 */

/** Everything of one kind, as it was at `at` (when the look began), ms. */
export interface Sweep<T> {
  at: number;
  found: readonly T[];
}

interface Sweeps {
  active?: Sweep<Ec2Instance>;
  resting?: Sweep<Ec2Instance>;
  volumes?: Sweep<Ec2Volume>;
}

const known = new WeakMap<object, Sweeps>();

function sweepsOf(world: Ec2World): Sweeps {
  let sweeps = known.get(world.instances);
  if (!sweeps) {
    sweeps = {};
    known.set(world.instances, sweeps);
  }
  return sweeps;
}

const MACHINES = ['worker', 'spare'];
const ACTIVE = ['pending', 'running', 'stopping', 'shutting-down'];

const ofRoles = (world: Ec2World, roles: readonly string[]) => ({
  [`tag:${TAG.clusterId}`]: [world.cluster.id],
  [`tag:${TAG.role}`]: roles,
});

/**
 * Everybody's machines and spares that are neither stopped nor terminated, a page at a time, with turns of the event loop
 * between. A sweep that comes to its end is remembered for those who ask `activeInstances`. @throws Ec2Fault
 */
export async function* sweepActive(world: Ec2World, options?: CallOptions): AsyncIterable<Ec2Instance[]> {
  const at = world.clock.now();
  const found: Ec2Instance[] = [];
  const filters = { ...ofRoles(world, MACHINES), 'instance-state-name': ACTIVE };
  for await (const page of world.ec2.sweepInstances(filters, options)) {
    world.instances.see(page);
    found.push(...page);
    yield page;
  }
  sweepsOf(world).active = { at, found };
}

/** The same whole, at most `maxAgeMs` old. @throws Ec2Fault */
export async function activeInstances(
  world: Ec2World,
  maxAgeMs: number,
  options?: CallOptions,
): Promise<Sweep<Ec2Instance>> {
  const { active } = sweepsOf(world);
  if (active && world.clock.now() - active.at <= maxAgeMs) return active;
  const at = world.clock.now();
  return { at, found: (await Array.fromAsync(sweepActive(world, options))).flat() };
}

/** Stopped machines and spares: they change seldom. @throws Ec2Fault */
export async function restingInstances(
  world: Ec2World,
  maxAgeMs: number,
  options?: CallOptions,
): Promise<Sweep<Ec2Instance>> {
  const sweeps = sweepsOf(world);
  if (sweeps.resting && world.clock.now() - sweeps.resting.at <= maxAgeMs) return sweeps.resting;
  const at = world.clock.now();
  const found: Ec2Instance[] = [];
  const filters = { ...ofRoles(world, MACHINES), 'instance-state-name': ['stopped'] };
  for await (const page of world.ec2.sweepInstances(filters, options)) {
    world.instances.see(page);
    found.push(...page);
  }
  sweeps.resting = { at, found };
  return sweeps.resting;
}

/** Something that was stopped was removed: the next look asks anew. */
export function forgetResting(world: Ec2World): void {
  delete sweepsOf(world).resting;
}

const DISKS = ['home', 'restored', 'root'];

/** Homes, copies of them, and root disks. @throws Ec2Fault */
export async function ourVolumes(world: Ec2World, maxAgeMs: number, options?: CallOptions): Promise<Sweep<Ec2Volume>> {
  const sweeps = sweepsOf(world);
  if (sweeps.volumes && world.clock.now() - sweeps.volumes.at <= maxAgeMs) return sweeps.volumes;
  const at = world.clock.now();
  const found = await world.ec2.describeVolumes({ filters: ofRoles(world, DISKS) }, options);
  sweeps.volumes = { at, found };
  return sweeps.volumes;
}
