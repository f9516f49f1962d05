import type { LiveServerJson, PersonDetailJson } from '@atrium/hub/api';

export type {
  AnnouncementJson as Announcement,
  LiveServerJson as LiveServer,
  PersonDetailJson as PersonDetail,
  PersonJson as Person,
} from '@atrium/hub/api';

/* What the API answers beside JupyterHub's own models (docs/api.md); times are ISO 8601 in UTC. */

export type Usage = Omit<NonNullable<LiveServerJson['usage']>, 'at'>;

export interface Page<Item> {
  items: Item[];
  total: number;
  offset: number;
  limit: number;
}

export type Source = PersonDetailJson['groups'][number]['sources'][number];

export interface Overview {
  time: string;
  people: { total: number; waiting: number; active_now: number; active_today: number };
  servers: { ready: number; starting: number; queued: number; stopping: number };
  today: { starts: number; failed: number; people_added: number; since: string };
  limits: { active_limit: number | null; active: number; concurrency: number; oldest_queued: string | null };
  usage: { memory: number; memory_limit: number | null } | null;
  problems: {
    kind: 'alert' | 'warning' | 'service' | 'failure';
    text: string;
    since: string | null;
    link_to: { kind: string; name: string } | null;
  }[];
  features: {
    accounts: boolean;
    server_log: boolean;
    server_usage: boolean;
    named_servers: number;
    home_deleted_with_person: boolean;
    idle_stop_after: number;
    money: boolean;
  };
}

export type Outcome = 'will' | 'done' | 'nothing' | 'refused' | 'failed';

export interface BulkRow {
  kind: 'person' | 'server';
  name: string;
  outcome: Outcome;
  code: string | null;
  message: string;
}

export interface BulkAnswer {
  action: string;
  dry_run: boolean;
  results: BulkRow[];
  totals: Record<Outcome, number>;
}

export interface Charts {
  since: string;
  until: string;
  step: 'hour' | 'day';
  zone: string;
  activity: { start: string; people: number; servers: number }[];
  starts: {
    ready: number;
    failed: number;
    seconds: { p50: number | null; p90: number | null; p99: number | null };
    histogram: { le: number | null; count: number }[];
    per_step: { start: string; ready: number; failed: number }[];
  };
  failures: { code: string; kind: 'start' | 'ended'; words: string; count: number; last_at: string }[];
  complete_since: string | null;
}

export interface ImportAnswer {
  dry_run: boolean;
  applied: boolean;
  delimiter: string;
  columns: string[];
  ignored_columns: string[];
  rows: {
    line: number;
    name: string;
    outcome: 'create' | 'change' | 'same' | 'error';
    admin: boolean | null;
    add_groups: string[];
    new_groups: string[];
    message: string;
    link?: { url: string; expires_at: string };
  }[];
  errors: { line: number; column: string | null; message: string }[];
  totals: { create: number; change: number; same: number; error: number };
}

export interface GroupLine {
  name: string;
  members: number;
  properties: Record<string, unknown>;
  roles: string[];
  configured: boolean;
}

export interface GroupDetail {
  name: string;
  properties: Record<string, unknown>;
  roles: string[];
  configured: boolean;
  members: { name: string; sources: Source[] }[];
}

export interface ServiceLine {
  name: string;
  admin: boolean;
  url: string | null;
  prefix: string | null;
  managed: boolean;
  pid: number | null;
  problem: string | null;
  from_config: boolean;
  display: boolean;
  info: Record<string, unknown>;
  oauth_client_id: string | null;
}

export interface AuditEntry {
  id: number;
  time: string;
  action: string;
  by: { kind: string; name: string };
  via: string;
  token: string | null;
  from: string | null;
  of: { kind: string; name: string; owner: string | null } | null;
  request_id: string | null;
  detail: Record<string, unknown>;
}
