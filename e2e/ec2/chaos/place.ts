/**
 * Where a hub is killed, or what becomes of its n-th effect after the story began. Between two effects a hub keeps what it
 * knows in memory alone, so a kill at any await of a step equals one just before or just after an effect.
 */
export type Place =
  /** A call to EC2 is about to be sent. */
  | 'call unsent'
  /** EC2 has the call and does its work; the answer meets nobody. */
  | 'call done'
  /** The answer is read whole; nothing was made of it yet. */
  | 'call answered'
  /** Something is about to be written for good: a statement of its own, or the end of a transaction. */
  | 'store before'
  /** It is written; nobody has heard so. */
  | 'store after'
  /** A machine's or a person's request has been answered. */
  | 'request answered';

/** Places that the hub's own process knows of; the other one is the simulator's. */
export type InnerPlace = Exclude<Place, 'call done'>;

export const PLACES: readonly Place[] = [
  'call unsent',
  'call done',
  'call answered',
  'store before',
  'store after',
  'request answered',
];

/** The n-th effect of its kind, counted from 1. */
export interface Kill {
  place: Place;
  nth: number;
}

/** What the driver tells a hub process. */
export type ToHub =
  | { type: 'go'; now: number; kill?: Kill }
  /** It is this late, simulated ms since the epoch; answered when everything due until then was begun. */
  | { type: 'time'; now: number }
  | { type: 'arm'; id: number; kill: Kill | null }
  | { type: 'upkeep'; id: number };

/** What a hub process answers. */
export type FromHub =
  | { type: 'loaded' }
  | { type: 'time' }
  | { type: 'ready'; token?: string }
  | { type: 'done'; id: number; error?: string }
  | { type: 'failed'; problem: string };

/** What a hub process is given as its only argument, as JSON. */
export interface HubSetup {
  dataDir: string;
  port: number;
  /** Host and port of the simulator. */
  ec2: string;
  /** Input of the spawner's configuration. */
  spawner: Record<string, unknown>;
}
