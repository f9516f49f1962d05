import type { Market } from './calls/types.ts';
import type { ImageAlias } from './profile-config.ts';

/** One start, frozen when it was asked for. */
export type Ec2Spec = {
  user: string;
  uid: number;
  groups: string[];
  storage: string;
  profile: string;
  title: string;
  types: string[];
  market: Market;
  spotFallback: boolean;
  onIdle: 'stop' | 'hibernate' | 'terminate';
  image: ImageAlias | null;
  rootGb: number | null;
  homeGb: number;
  publicIp: boolean | null;
  instanceProfile: string | null;
  studentRoot: boolean;
  /** For the hub: minutes without work before it stops this server; null as for everybody. */
  idleMinutes: number | null;
  maxSessionHours: number | null;
  /** Dollars per hour as the operator states them. */
  price: number | null;
};

/** Name of what one start creates outside. */
export type Ec2Ref = { server: string; generation: number };
