import type { Json, Store } from '@atrium/sdk';
import type { Market } from './calls/types.ts';

/** What `RunInstances` was, or will be, called with: saved before the call, so that whoever comes next repeats it exactly. */
export type Attempt = {
  /** Counts the attempts of one server over all its starts. */
  n: number;
  /** Generation whose start it is made for. */
  generation: number;
  token: string;
  type: string;
  zone: string;
  market: Market;
  subnetId: string;
  imageId: string | null;
  rootDevice: string | null;
  profile: string;
  at: number;
};

/** The machine of one server over all its starts: a stopped one is resumed by a later generation. Key `instance/<server>`. */
export type InstanceRecord = {
  /** Whose cluster it belongs to. */
  cluster: string;
  server: string;
  /** The start that it runs for, or ran for last. */
  generation: number;
  user: string;
  storage: string | null;
  profile: string;
  onIdle: 'stop' | 'hibernate' | 'terminate';
  /** How many attempts were begun; the number of the last one. */
  attempts: number;
  /** Under way while `instanceId` is null: its outcome is not known. Null when no call was made or it was refused. */
  attempt: Attempt | null;
  instanceId: string | null;
  type: string;
  zone: string;
  market: Market;
  imageId: string | null;
  homeVolume: string | null;
  /** The home is attached to this instance. */
  attached: boolean;
  /** When it was last launched or started by us: identity documents must not be older. */
  startedAt: number;
  /** When EC2 last told that it runs; null while it does not. */
  runningAt: number | null;
  privateIp: string | null;
  /** The last start whose end is settled (`destroy`): its machine is nobody's until the next start. */
  released: number;
  /** Machines of this start that died while they came up. */
  deaths: number;
  /** Cures tried on a silent machine in this start: 0 none, 1 rebooted, 2 stopped and started. */
  cures: number;
  /** Since when the machine may be silent. */
  curedAt: number;
  /** It was left running by an earlier start, with that start's token. */
  stale: boolean;
};

/** The machine that has this id: whose it is. Key `machine/<instance>`. */
export const machineKey = (instanceId: string): string => `machine/${instanceId}`;

/** Written before a stop looks: a start that reads it after its own writing never launches. Key `closed/<server>`. */
const closedKey = (server: string): string => `closed/${server}`;

export const recordKey = (server: string): string => `instance/${server}`;

export async function readRecord(store: Store, server: string): Promise<InstanceRecord | undefined> {
  return (await store.get(recordKey(server))) as InstanceRecord | undefined;
}

export async function writeRecord(store: Store, record: InstanceRecord): Promise<void> {
  await store.put(recordKey(record.server), record as Json);
}

/** A stop of this start, and of those before it, was asked for. */
export async function close(store: Store, cluster: string, server: string, generation: number): Promise<void> {
  await store.put(closedKey(server), { cluster, generation });
}

export async function isClosed(store: Store, cluster: string, server: string, generation: number): Promise<boolean> {
  const closed = (await store.get(closedKey(server))) as { cluster: string; generation: number } | undefined;
  return closed?.cluster === cluster && closed.generation >= generation;
}

/** Which server a machine is tracked for. */
export async function serverOf(store: Store, instanceId: string): Promise<string | undefined> {
  return ((await store.get(machineKey(instanceId))) as { server: string } | undefined)?.server;
}

/** The record, if it is of this cluster: two clusters may share a store in tests, and a copied database. */
export async function ownRecord(store: Store, cluster: string, server: string): Promise<InstanceRecord | undefined> {
  const record = await readRecord(store, server);
  return record?.cluster === cluster ? record : undefined;
}
