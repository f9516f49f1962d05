/** What the plug-in knows of EC2's things: the few fields it acts on, with times in ms since the epoch. */

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';
export type Market = 'on-demand' | 'spot';
export type Tags = Readonly<Record<string, string>>;

export interface Ec2Instance {
  id: string;
  state: InstanceState;
  type: string;
  zone: string;
  imageId: string;
  market: Market;
  privateIp?: string;
  publicIp?: string;
  /** The last launch or start; ms. */
  launchedAt: number;
  /** Account that owns it. */
  ownerId?: string;
  clientToken?: string;
  tags: Tags;
  volumes: readonly { volumeId: string; device: string; deleteOnTermination: boolean }[];
  rootDevice?: string;
  hibernation: boolean;
  /** Why it is in this state, as EC2 says: `Server.InsufficientInstanceCapacity`. */
  stateReason?: { code: string; message: string };
  /** When it began to leave its running state, where EC2 says so; ms. */
  transitionAt?: number;
}

export interface Ec2Volume {
  id: string;
  state: 'creating' | 'available' | 'in-use' | 'deleting' | 'deleted' | 'error';
  zone: string;
  sizeGb: number;
  encrypted: boolean;
  snapshotId?: string;
  createdAt: number;
  tags: Tags;
  attachments: readonly {
    instanceId: string;
    device: string;
    state: 'attaching' | 'attached' | 'detaching' | 'detached' | 'busy';
  }[];
}

export interface Ec2Snapshot {
  id: string;
  volumeId: string;
  state: 'pending' | 'completed' | 'error' | 'recoverable' | 'recovering';
  startedAt: number;
  sizeGb: number;
  /** 0–100. */
  percent: number;
  tags: Tags;
}

export interface Ec2Image {
  id: string;
  state: string;
  createdAt: number;
  architecture?: string;
  rootDevice?: string;
}

export interface InstanceHealth {
  id: string;
  /** Either of EC2's two checks says `impaired`. */
  impaired: boolean;
  checking: boolean;
  /** Planned by AWS: `instance-retirement`, … */
  events: readonly { code: string; notBefore: number }[];
}

export interface VolumeModification {
  volumeId: string;
  state: 'modifying' | 'optimizing' | 'completed' | 'failed';
  sizeGb: number;
  percent: number;
  startedAt: number;
}

/** Which ones to describe: by id (asked in parts, an unknown id throws a `consistency` fault), or by EC2's filters. */
export type Query = { ids: readonly string[] } | { filters: Filters };
/** EC2's own filter names: `{'tag:atrium:role': ['home'], status: ['available']}`. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface CallOptions {
  signal?: AbortSignal;
}

/** Everything that decides what RunInstances makes. The same launch with the same token is the same machine. */
export interface Launch {
  token: string;
  count?: number;
  type: string;
  subnetId: string;
  market: Market;
  imageId?: string;
  launchTemplate?: { id: string; version: string };
  securityGroups: readonly string[];
  rootGb?: number;
  /** Device name of the image's root disk; wanted with `rootGb` and `hibernate`. */
  rootDevice?: string;
  hibernate: boolean;
  /** Undefined: as the subnet says. */
  publicIp?: boolean;
  instanceProfile?: string;
  userData?: string;
  /** Of instance, volumes and network interfaces. */
  tags: Tags;
  /** `launchTurn` has taken its tokens. */
  turnTaken?: boolean;
}

export interface NewVolume {
  token: string;
  zone: string;
  sizeGb: number;
  snapshotId?: string;
  kmsKey?: string;
  tags: Tags;
}

/**
 * The calls to EC2 that this plug-in makes. Each one waits for its API's token bucket, and rejects with `Ec2Fault`.
 * Calls that only read, and those that EC2 makes idempotent, are tried again after throttling and transient errors.
 */
export interface Ec2Calls {
  describeInstances(query: Query, options?: CallOptions): Promise<Ec2Instance[]>;
  /** Like the query by filters, a page at a time, with turns of the event loop between. */
  sweepInstances(filters: Filters, options?: CallOptions): AsyncIterable<Ec2Instance[]>;
  runInstances(launch: Launch, options?: CallOptions): Promise<Ec2Instance[]>;
  /** Place of `key` in the queue of launches: it may launch when `place` is 0 (which takes its token). */
  launchTurn(key: string): { place: number; waitMs: number };
  /** Coalesced with others that are asked for at the same time; each caller gets its own outcome. */
  startInstance(id: string, options?: CallOptions): Promise<void>;
  stopInstance(id: string, how: { hibernate: boolean; force: boolean }, options?: CallOptions): Promise<void>;
  terminateInstances(ids: readonly string[], options?: CallOptions): Promise<void>;
  rebootInstances(ids: readonly string[], options?: CallOptions): Promise<void>;
  /** Only while it is stopped. */
  modifyInstanceType(id: string, type: string, options?: CallOptions): Promise<void>;
  /** Of running instances: by id in parts of 100, or by EC2's filters, which know no tags. */
  describeInstanceStatus(query: Query, options?: CallOptions): Promise<InstanceHealth[]>;
  /** Newest output of the machine's serial console; '' when there is none. */
  getConsoleOutput(id: string, options?: CallOptions): Promise<string>;
  describeImages(query: Query, options?: CallOptions): Promise<Ec2Image[]>;
  /** Value of an SSM parameter; undefined when there is none. */
  getParameter(name: string, options?: CallOptions): Promise<string | undefined>;
  createTags(ids: readonly string[], tags: Tags, options?: CallOptions): Promise<void>;

  createVolume(volume: NewVolume, options?: CallOptions): Promise<Ec2Volume>;
  describeVolumes(query: Query, options?: CallOptions): Promise<Ec2Volume[]>;
  attachVolume(volumeId: string, instanceId: string, device: string, options?: CallOptions): Promise<void>;
  detachVolume(volumeId: string, how: { force: boolean }, options?: CallOptions): Promise<void>;
  modifyVolume(volumeId: string, sizeGb: number, options?: CallOptions): Promise<void>;
  describeVolumesModifications(ids: readonly string[], options?: CallOptions): Promise<VolumeModification[]>;
  deleteVolume(id: string, options?: CallOptions): Promise<void>;
  /** EC2 gives this call no token: look for an earlier one by its tags first. */
  createSnapshot(volumeId: string, description: string, tags: Tags, options?: CallOptions): Promise<Ec2Snapshot>;
  describeSnapshots(query: Query, options?: CallOptions): Promise<Ec2Snapshot[]>;
  deleteSnapshot(id: string, options?: CallOptions): Promise<void>;
}
