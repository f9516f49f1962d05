import type { IdentityFacts } from '../identity/index.ts';

/** Temporary credentials of the instance's role. */
export interface RoleCredentials {
  role: string;
  profileArn: string;
  profileId: string;
  accessKeyId: string;
  secretAccessKey: string;
  token: string;
  /** Milliseconds since the epoch. */
  expiration: number;
}

/** What the metadata service tells about one machine, read anew at each request. */
export interface MachineFacts {
  identity: IdentityFacts;
  /** Nothing answers in a machine that is off. */
  on: boolean;
  endpointEnabled: boolean;
  /** `required`: no answer without a session token. */
  tokens: 'required' | 'optional';
  /** The instance's tags, when they may be read from inside. */
  tags?: ReadonlyMap<string, string>;
  /** Decoded. */
  userData?: string;
  publicIp?: string;
  mac: string;
  groups: string[];
  groupIds: string[];
  subnetId: string;
  vpcId: string;
  reservationId: string;
  lifecycle: 'on-demand' | 'spot';
  /** A spot interruption that was announced. */
  interruption?: { action: 'stop' | 'terminate' | 'hibernate'; at: number };
  credentials?: RoleCredentials;
}
