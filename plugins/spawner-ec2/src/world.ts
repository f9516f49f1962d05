import type { Clock, Log, Store } from '@atrium/sdk';
import type { Ec2Calls } from './calls/types.ts';
import type { Ec2Config } from './config.ts';
import type { ImageFinder } from './images.ts';
import type { InstanceCache } from './instance-cache.ts';
import type { CapacityMemory } from './ladder.ts';

/** What every part of the plug-in works with; made once in `create`. */
export interface Ec2World {
  readonly config: Ec2Config;
  readonly ec2: Ec2Calls;
  readonly clock: Clock;
  readonly log: Log;
  /** The plug-in's own store. In a call about something, prefer the call's `io.store`: it ends with the call. */
  readonly store: Store;
  readonly cluster: { readonly name: string; readonly id: string };
  readonly hubId: string;
  /** What EC2 last said of each instance. */
  readonly instances: InstanceCache;
  readonly images: ImageFinder;
  /** Types that were not to be had a moment ago. */
  readonly capacity: CapacityMemory;
}
