import type { Io, Json } from './spawner.ts';

/** What the hub knows of one server, for upkeep. */
export interface MaintainServer {
  id: string;
  generation: number;
  user: string;
  groups: readonly string[];
  /** '' for the default server. */
  name: string;
  phase: 'stopped' | 'queued' | 'starting' | 'ready' | 'stopping';
  desired: 'running' | 'stopped';
  /** When `phase` began. */
  phaseAt: number;
  spec: Json | undefined;
  ref: Json | undefined;
  attempt: Json | undefined;
  /** What `nameStorage` answered for its owner. */
  storage: string | undefined;
}

export interface MaintainIo extends Io {
  /** Change nothing, only say what would be done. */
  readonly dryRun: boolean;
  /** Every server that has a row. */
  servers(): Promise<readonly MaintainServer[]>;
  /** How many machines of each profile are to be kept ready by the calendar now, beside what the config says. */
  readonly wantedSpares: Readonly<Record<string, number>>;
}

/** One thing that upkeep did, or would do. */
export interface MaintainAction {
  /** `stop_orphan`, `adopt`, `snapshot_home`, …: stable, for tests and metrics. */
  code: string;
  /** In words for the administrator. */
  message: string;
  /** Names a person should read this at once. */
  alert?: boolean;
}
