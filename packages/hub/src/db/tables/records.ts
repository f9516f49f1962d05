import type { Generated } from 'kysely';

/* Tables of what was, and what people should read: audit trail, ledger, charts, alerts, announcements. */

/** Who did what to whom. Names, not references: who is gone still did it. */
export interface AuditTable {
  id: Generated<number>;
  at: number;
  /** `user.create`, `server.start`, …: audit.service.ts has them all. */
  action: string;
  /** `user`, `service`, `operator` or `hub`. */
  by_kind: string;
  by_name: string;
  /** `session`, `token`, `login`, `command` or `hub`. */
  via: string;
  /** `a12`, as clients know it. */
  token: string | null;
  ip: string | null;
  /** `user`, `server`, `group`, `token`, …; null when it is about the hub. */
  of_kind: string | null;
  of_name: string | null;
  /** The person it is about, whatever the kind. */
  of_owner: string | null;
  request_id: string | null;
  /** JSON object; never a secret. */
  detail: string;
}

/** The ledger: one row per thing and stretch that costs money, or per run of a server (`kind` = `run`: hours). */
export interface MetersTable {
  key: string;
  /** `plugin`: as the spawner reported it; `hub`: from the hub's own transitions. */
  source: string;
  kind: string;
  what: string;
  server_id: string | null;
  /** '' for the default server; null when it belongs to no server. */
  server_name: string | null;
  /** Null for what is everybody's. */
  user_name: string | null;
  /** JSON list: the person's groups when the row was made. */
  groups: string;
  /** Billionths of a dollar; null = not known. Integers, so that both databases add up to the same. */
  nano_per_hour: number | null;
  since: number;
  until: number | null;
  minimum_ms: number;
  /** When it was last reported. */
  seen: number;
}

/** What upkeep found that a person should read. */
export interface AlertsTable {
  code: string;
  message: string;
  first_at: number;
  last_at: number;
}

/** What administrators tell everybody on every page. */
export interface AnnouncementsTable {
  id: Generated<number>;
  /** Plain text. */
  text: string;
  level: 'info' | 'warning';
  starts_at: number;
  /** Null: until somebody takes it back. */
  ends_at: number | null;
  /** 1: whoever has read it may put it away. */
  dismissible: number;
  by_name: string;
  created: number;
}

/** How starts came out, and servers that ended by themselves: one row each for some days, then only sums. */
export interface StartOutcomesTable {
  id: Generated<number>;
  at: number;
  server_id: string;
  generation: number;
  kind: 'ready' | 'failed' | 'ended';
  /** Of the failure, or how it ended; null when it worked. */
  code: string | null;
  /** The first words that went with the code; null when it worked. */
  message: string | null;
  /** From the request to ready; null unless it worked. */
  ms: number | null;
}

/** Who was active in which hour or day, for some days; then only how many. */
export interface ActiveMarksTable {
  period: 'hour' | 'day';
  start: number;
  user_id: number;
}

/** Sums of the past: rollups.repo.ts says which kinds there are. */
export interface RollupsTable {
  kind: string;
  /** When the hour or day began. */
  start: number;
  key: string;
  value: number;
}
