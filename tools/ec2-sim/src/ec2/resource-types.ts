import type { LaunchTemplateVersion, ModifySnapshotTierRequest } from '@aws-sdk/client-ec2';

/** What every resource has. */
export interface Resource {
  id: string;
  /** Order of creation, over all resources; paging goes by it. */
  seq: number;
  tags: Map<string, string>;
  createdAt: number;
  /** Before this it is not found. */
  visibleAt: number;
  /** Before this its tags are not seen. */
  tagsVisibleAt: number;
}

export type StateName = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface SimInstance extends Resource {
  reservationId: string;
  imageId: string;
  type: string;
  zone: string;
  subnetId: string;
  vpcId: string;
  privateIp: string;
  publicIp?: string;
  assignPublicIp: boolean;
  state: StateName;
  stateReason?: { code: string; message: string };
  transitionReason: string;
  launchedAt: number;
  /** The call that launched or last started it: how often it booted. */
  boots: number;
  market: 'on-demand' | 'spot';
  onInterruption: 'stop' | 'terminate' | 'hibernate';
  spotRequestId?: string;
  /** Simulated time at which a spot instance is taken. */
  interruptAt?: number;
  clientToken?: string;
  /** Device name to volume. */
  devices: Map<string, string>;
  rootDevice: string;
  groups: string[];
  interfaceIds: string[];
  profile?: { arn: string; id: string };
  keyName?: string;
  userData?: string;
  onShutdown: 'stop' | 'terminate';
  hibernation: boolean;
  hibernated: boolean;
  ebsOptimized: boolean;
  monitoring: boolean;
  protectedFromTermination: boolean;
  protectedFromStop: boolean;
  architecture: string;
  metadata: {
    httpTokens: string;
    httpEndpoint: string;
    hopLimit: number;
    tags: string;
    ipv6: string;
  };
  cpuCredits?: string;
  console: string[];
  impaired: boolean;
  terminatedAt?: number;
  /** Fenced by each change of state: a timer of an older one does nothing. */
  turn: number;
}

export type VolumeState = 'creating' | 'available' | 'in-use' | 'deleting';

export interface SimAttachment {
  instanceId: string;
  device: string;
  state: 'attaching' | 'attached' | 'detaching' | 'busy';
  deleteOnTermination: boolean;
  at: number;
}

export interface SimVolume extends Resource {
  sizeGb: number;
  type: string;
  iops?: number;
  throughput?: number;
  zone: string;
  encrypted: boolean;
  kmsKeyId?: string;
  snapshotId?: string;
  state: VolumeState;
  attachment?: SimAttachment;
  clientToken?: string;
  modification?: SimModification;
}

export interface SimModification {
  state: 'modifying' | 'optimizing' | 'completed';
  progress: number;
  startedAt: number;
  endedAt?: number;
  from: { sizeGb: number; type: string; iops?: number; throughput?: number };
  to: { sizeGb: number; type: string; iops?: number; throughput?: number };
}

export interface SimSnapshot extends Resource {
  volumeId: string;
  sizeGb: number;
  /** What a full copy occupies and this one is billed for, in bytes. */
  fullBytes: number;
  billedBytes: number;
  state: 'pending' | 'completed' | 'error';
  progress: number;
  encrypted: boolean;
  description: string;
  tier: 'standard' | 'archive';
  tierChange?: { to: NonNullable<ModifySnapshotTierRequest['StorageTier']> | 'standard'; until: number };
  restoreExpiryAt?: number;
  completedAt?: number;
}

export interface SimImage extends Resource {
  name: string;
  description: string;
  ownerId: string;
  ownerAlias?: string;
  state: 'pending' | 'available' | 'deregistered';
  architecture: string;
  rootDevice: string;
  devices: {
    device: string;
    snapshotId?: string;
    sizeGb: number;
    type: string;
    deleteOnTermination: boolean;
    encrypted: boolean;
  }[];
  sourceInstanceId?: string;
  public: boolean;
  deprecatedAt?: number;
}

export interface SimTemplate extends Resource {
  name: string;
  defaultVersion: number;
  latestVersion: number;
  versions: Map<number, LaunchTemplateVersion>;
}

export interface SimKeyPair extends Resource {
  name: string;
  fingerprint: string;
}
