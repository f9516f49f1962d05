import type { Generated } from 'kysely';

/* Tables of what runs: servers and services, their storage and routes. */

export type Desired = 'running' | 'stopped';
export type Phase = 'stopped' | 'queued' | 'starting' | 'ready' | 'stopping';

export interface ServersTable {
  /** Opaque, lower-case letters and digits. */
  id: string;
  user_id: number;
  /** '' for the default server. */
  name: string;
  display_name: string;
  /** JSON object: contract `user_options`. */
  user_options: string;
  desired: Desired;
  phase: Phase;
  /** When `phase` began. */
  phase_at: number;
  generation: number;
  spawner_id: string;
  /** How many tokens this generation was given beside its first; the newest alone counts. */
  token_number: Generated<number>;
  /** JSON; frozen for this generation. */
  spec: string | null;
  ref: string | null;
  attempt: string | null;
  /** JSON Address while ready. */
  address: string | null;
  /** JSON of the last Observed, without progress. */
  observed: string | null;
  observed_at: number | null;
  lease_owner: string | null;
  lease_until: number;
  /** When the controller looks again even without a wake-up. */
  next_poll: number;
  /** Order of arrival in the queue; null unless queued. */
  queued_at: number | null;
  /** When it became ready. */
  started_at: number | null;
  /** Contract `last_activity`: whatever the server or the proxy reported; only moves forward. */
  last_activity: number | null;
  /** Newest real work seen, for the idle decision; never an open tab's polling. */
  last_work: number | null;
  /** JSON {code, class, message, advice, log: string[], at}; null when the last start worked. */
  failure: string | null;
  /** Failed starts in a row. */
  failures: number;
  /** JSON {code: 'idle'|'user'|'admin'|'max_age'|'exited'|'lost'|'failed'|'shutdown', by, note, at}. */
  stop_reason: string | null;
  /** Seconds; null = the owner's setting; 0 = never. */
  stop_after: number | null;
  created: number;
  /** Its owner asked that it is not stopped for idleness before this time; null when they did not. */
  keep_on_until: number | null;
  /** When its owner was last warned that it is about to stop for idleness; counts until there is newer work. */
  warned_at: number | null;
  /** When it stops because a limit was used up while it ran; null when none is. */
  limit_stop_at: number | null;
  /** What the kind of server that was started says of its idle stop and greatest age, s; null = nothing; 0 = never. */
  kind_stop_after: number | null;
  kind_max_age: number | null;
  /** Of whoever last asked that it starts or stops; null when it was the hub itself. */
  request_id: string | null;
}

export interface ServerEventsTable {
  id: Generated<number>;
  server_id: string;
  generation: number;
  at: number;
  /** 0–100. */
  percent: number;
  message: string;
  /** `progress`, `ready`, `failed`, `cancelled`, `notice`. */
  kind: string;
}

/** Lasting storage, named once (architecture §4 rule 5). Rows stay when the user goes, until the data is deleted. */
export interface StorageTable {
  id: Generated<number>;
  user_id: number | null;
  user_name: string;
  spawner_id: string;
  name: string;
  created: number;
}

export interface PluginStoreTable {
  plugin: string;
  key: string;
  /** JSON. */
  value: string;
}

/** The proxy's table. A removed route stays as a tombstone so that streams can resume. */
export interface RoutesTable {
  path: string;
  /** JSON RouteTarget. */
  target: string;
  server_id: string | null;
  /** Name of the service it belongs to. */
  service: string | null;
  version: number;
  deleted: number;
}

/** What a lesson of the calendar started, or found on. */
export interface LessonStartsTable {
  /** Names the lesson: entry and day. */
  lesson: string;
  user_id: number;
  server_name: string;
  server_id: string | null;
  /** The start that is the lesson's. */
  generation: number;
  /** `started`, `found` (on already, not ours to stop), `refused`, `over`. */
  state: string;
  at: number;
}

/** What stands beside people's servers; rows of the configuration follow it at every start (contract §7). */
export interface ServicesTable {
  id: Generated<number>;
  name: string;
  admin: Generated<number>;
  /** Where it listens; null when it serves nothing. */
  url: string | null;
  /** JSON list; empty unless the hub runs it. */
  command: Generated<string>;
  /** JSON object, shown as it is. */
  info: Generated<string>;
  /** 1: in the menu of pages, for those who may open it. */
  display: Generated<number>;
  /** `service-<name>` unless chosen; null when nobody signs in to it. */
  oauth_client_id: string | null;
  oauth_no_confirm: Generated<number>;
  /** JSON list: what tokens of its visitors may carry beside identify and access. */
  allowed_scopes: Generated<string>;
  from_config: Generated<number>;
  created: number;
  /** Of the process, where the hub runs it and it does run. */
  pid: number | null;
  /** Why it does not run or answer, as last seen; null when nothing is wrong. */
  problem: string | null;
}
