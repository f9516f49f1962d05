import type { Address, Exit, FaultClass, Options } from '@atrium/sdk';
import type { Selectable } from 'kysely';
import { fromJson } from '../db/json.ts';
import type { Desired, Phase, ServersTable } from '../db/types.ts';

/** Why the last start did not work, in words for the person and for their administrator. */
export interface Failure {
  /** Stable: `out_of_memory`, `command_not_found`, `start_timeout`, … */
  code: string;
  class: FaultClass;
  message: string;
  advice?: string;
  /** The spawner's wish, see `failureStatus`. */
  status?: number;
  /** The last lines of the server's output, oldest first. */
  log: string[];
  at: number;
}

/** Why it is not running. */
export interface StopReason {
  code:
    | 'idle'
    | 'user'
    | 'admin'
    | 'max_age'
    | 'exited'
    | 'lost'
    | 'failed'
    | 'shutdown'
    | 'deleted'
    | 'limit'
    | 'unused';
  by?: string;
  /** What the member of staff who stopped it wrote. */
  note?: string;
  at: number;
  exit?: Exit;
  /** For `exited`: what happened, in plain words. */
  message?: string;
}

/** One row of `servers`, as features see it. */
export interface Server {
  id: string;
  userId: number;
  userName: string;
  name: string;
  displayName: string;
  userOptions: Options;
  desired: Desired;
  phase: Phase;
  phaseAt: number;
  generation: number;
  /** Which of its generation's tokens counts: the argument of `keys.serverToken`. */
  tokenNumber: number;
  address: Address | null;
  queuedAt: number | null;
  startedAt: number | null;
  lastActivity: number | null;
  lastWork: number | null;
  failure: Failure | null;
  /** Failed starts in a row. */
  failures: number;
  stopReason: StopReason | null;
  /** Seconds; null = the owner's setting; 0 = never. */
  stopAfter: number | null;
  created: number;
  /** Not stopped for idleness before this time, ms; its owner asked. */
  keepOnUntil: number | null;
  /** When its owner was last warned of an idle stop; void once there is newer work. */
  warnedAt: number | null;
  /** When it stops because a limit was used up while it ran. */
  limitStopAt: number | null;
  /** What the kind of server that was started says of its idle stop and greatest age, s; null = nothing; 0 = never. */
  kindStopAfter: number | null;
  kindMaxAge: number | null;
  /** Of whoever last asked that it starts or stops, for the log; null when it was the hub itself. */
  requestId: string | null;
}

export type ServerRow = Selectable<ServersTable> & { user_name: string };

export function toServer(row: ServerRow): Server {
  return {
    id: row.id,
    userId: row.user_id,
    userName: row.user_name,
    name: row.name,
    displayName: row.display_name,
    userOptions: fromJson<Options>(row.user_options) ?? {},
    desired: row.desired,
    phase: row.phase,
    phaseAt: row.phase_at,
    generation: row.generation,
    tokenNumber: row.token_number,
    address: fromJson<Address>(row.address),
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    lastActivity: row.last_activity,
    lastWork: row.last_work,
    failure: fromJson<Failure>(row.failure),
    failures: row.failures,
    stopReason: fromJson<StopReason>(row.stop_reason),
    stopAfter: row.stop_after,
    created: row.created,
    keepOnUntil: row.keep_on_until,
    warnedAt: row.warned_at,
    limitStopAt: row.limit_stop_at,
    kindStopAfter: row.kind_stop_after,
    kindMaxAge: row.kind_max_age,
    requestId: row.request_id,
  };
}

/**
 * After how many idle seconds it stops; 0 for never. People choose for themselves, and what the kind of server says holds
 * when it is sooner; "never" is an administrator's choice and holds. Nobody chose: the kind, else the hub.
 */
export function stopAfterOf(
  { stopAfter, kindStopAfter }: Pick<Server, 'stopAfter' | 'kindStopAfter'>,
  ownerStopAfter: number | null,
  hub: number,
): number {
  const own = stopAfter ?? ownerStopAfter;
  if (own === null) return kindStopAfter ?? hub;
  return own === 0 || !kindStopAfter ? own : Math.min(own, kindStopAfter);
}

/** After how many seconds it stops, busy or not; 0 for never. */
export function maxAgeOf({ kindMaxAge }: Pick<Server, 'kindMaxAge'>, hub: number): number {
  return kindMaxAge ?? hub;
}

/** What is answered about a start that failed: 500, or what its spawner says when that is a refusal or an error at all. */
export function failureStatus({ status = 500 }: Pick<Failure, 'status'>): number {
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500;
}

/** Running and meant to run. */
export function isReady(server: Server): boolean {
  return server.phase === 'ready' && server.desired === 'running';
}

/** Anything but stopped. */
export function isActive(server: Server): boolean {
  return server.phase !== 'stopped';
}

/** Contract §3.3 `pending`. */
export function pendingOf(server: Server): 'spawn' | 'stop' | null {
  if (server.phase === 'stopped' || isReady(server)) return null;
  return server.desired === 'running' && server.phase !== 'stopping' ? 'spawn' : 'stop';
}

/** `ada` or `ada:thesis`: how messages of the contract name a server. */
export function logName(userName: string, serverName: string): string {
  return serverName === '' ? userName : `${userName}:${serverName}`;
}

/** Contract §10.1 [6]: 1–30 characters, starts with a letter, single hyphens inside. */
export function validServerName(name: string): boolean {
  return name.length <= 30 && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name);
}

/** Contract §10.1 [6]: 1–255 code points, printable, NFC, no blank at an edge, no two in a row. */
export function validDisplayName(name: string): boolean {
  const length = [...name].length;
  if (length < 1 || length > 255 || name !== name.normalize('NFC') || name !== name.trim()) return false;
  return !/\p{C}|\s{2}|[^\S ]/u.test(name);
}
