import type { Clock } from '@atrium/sdk';
import type { Aws } from '../aws/clients.ts';
import type { ClusterConfig } from '../config.ts';
import { ClusterError } from '../config.ts';
import type { Owner } from '../tags.ts';

/** How a part of the cluster stands. `id` is AWS's own name of it. */
export type Look =
  | { state: 'absent'; note?: string }
  /** There, as it should be; `adopted` when others made it. */
  | { state: 'same'; id: string; adopted?: boolean; note?: string }
  /** There, but not as the configuration says; `later` when only `upgrade` changes it. */
  | { state: 'differs'; id: string; note: string; later?: boolean }
  /** On its way; look again. */
  | { state: 'pending'; id: string; note: string }
  /** A person must act. */
  | { state: 'blocked'; note: string };

/** What every part may use. Built once for one command. */
export interface Scene {
  readonly config: ClusterConfig;
  readonly region: string;
  readonly account: string;
  readonly aws: Aws;
  readonly clock: Clock;
  /** A sentence for the person at the terminal. */
  readonly say: (text: string) => void;
  /** Text of the configuration file that the manager gets. */
  readonly configText: string;
  /** Asks the manager's web address whether it is well. */
  readonly probe: Probe;
  /** Undefined before the first `up`. */
  owner: Owner | undefined;
  /** What was found or made, by part. */
  readonly ids: Map<string, string>;
  /** What this run made itself, and when: AWS may not show it yet. */
  readonly made: Map<string, { id: string; at: number }>;
  /** Set by `upgrade`: changes that interrupt people are made, too. */
  readonly upgrading: boolean;
}

/** Whether `https://address/…` answers; the name that the certificate is for, and its days left. */
export type Probe = (target: { address: string; serverName?: string }) => Promise<ProbeResult>;
export type ProbeResult =
  | { ok: true; fingerprint: string; daysLeft: number; version?: string }
  | { ok: false; reason: string };

/** One thing on AWS. Parts stand in the order in which they are made. */
export interface Part {
  /** Its tag `atrium:part`, or the last words of its name. */
  readonly part: string;
  /** For people: `network 10.77.0.0/16`. */
  readonly title: string;
  /** Reads only. Sets nothing. */
  look(scene: Scene): Promise<Look>;
  /** One step from where `look` saw it towards `same`; called again until it is. May be killed anywhere. */
  make(scene: Scene, seen: Look): Promise<void>;
  /** For what carries no tag; all else `down` finds by its tag. */
  remove?(scene: Scene, id: string): Promise<void>;
  /** How long it may take, ms. Default 5 minutes. */
  readonly patience?: number;
  /** What to show when it takes longer than that. */
  explain?(scene: Scene): Promise<string>;
}

/** The cluster's name and id, in places that run only when it has one. */
export function ownerOf(scene: Scene): Owner {
  if (!scene.owner) throw new Error('The cluster has no id yet');
  return scene.owner;
}

/** AWS's name of a part that comes earlier in the plan. */
export function idOf(scene: Scene, part: string): string {
  const id = scene.ids.get(part);
  if (id === undefined) throw new ClusterError(`${part} is missing. Run: atrium cluster up`);
  return id;
}

const SETTLING_MS = 60_000;

/** For `make`: what was made now is there, although AWS does not show it to everybody yet. */
export function remember(scene: Scene, part: string, id: string | undefined): void {
  if (!id) throw new Error(`AWS made ${part}, but gave it no id`);
  scene.made.set(part, { id, at: scene.clock.now() });
}

/** For `look`: a part that was not found, although this run made it moments ago, is on its way. */
export function notFound(scene: Scene, part: string, note?: string): Look {
  const made = scene.made.get(part);
  if (made && scene.clock.now() - made.at < SETTLING_MS) {
    return { state: 'pending', id: made.id, note: 'made, not yet visible' };
  }
  return note === undefined ? { state: 'absent' } : { state: 'absent', note };
}
