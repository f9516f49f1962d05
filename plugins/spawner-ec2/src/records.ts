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
  server: string;
  /** The start that it runs for, or ran for last. */
  generation: number;
  user: string;
  storage: string | null;
  profile: string;
  onIdle: 'stop' | 'hibernate' | 'terminate';
  /** Under way while `instanceId` is null: its outcome is not known. Null when no call was made or it was refused. */
  attempt: Attempt | null;
  instanceId: string | null;
  type: string;
  zone: string;
  market: Market;
  imageId: string | null;
  homeVolume: string | null;
  /** When it was last launched or started by us: identity documents must not be older. */
  startedAt: number;
  /** When EC2 last told that it runs; null while it does not. */
  runningAt: number | null;
  privateIp: string | null;
  /** A start whose end the hub has settled (`destroy`), or a stop that was asked for: never started again. */
  closed: number;
  /** Cures tried on a silent machine in this start: 0 none, 1 rebooted, 2 stopped and started. */
  cures: number;
  /** Since when the machine may be silent. */
  curedAt: number;
};

export const recordKey = (server: string): string => `instance/${server}`;

export async function readRecord(store: Store, server: string): Promise<InstanceRecord | undefined> {
  return (await store.get(recordKey(server))) as InstanceRecord | undefined;
}

export async function writeRecord(store: Store, record: InstanceRecord): Promise<void> {
  await store.put(recordKey(record.server), record as Json);
}
