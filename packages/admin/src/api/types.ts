/* What the API answers beside JupyterHub's own models (docs/api.md); times are ISO 8601 in UTC. */

export type Phase = 'stopped' | 'queued' | 'starting' | 'ready' | 'stopping';

export interface Usage {
  /** Bytes. */
  memory: number;
  memory_limit: number | null;
  /** Cores. */
  cpu: number | null;
}

export interface LiveServer {
  key: string;
  user: string;
  name: string;
  display_name: string;
  phase: Phase;
  wanted: 'running' | 'stopped';
  queue_place: number | null;
  since: string | null;
  requested: string | null;
  started: string | null;
  last_activity: string | null;
  url: string;
  progress_url: string;
  kind: string | null;
  failure: { code: string; message: string; advice: string | null; at: string } | null;
  stopped: { code: string; by: string | null; note: string | null; at: string | null; message: string | null } | null;
  failures_in_a_row: number;
  usage: (Usage & { at: string }) | null;
}

export interface Person {
  name: string;
  admin: boolean;
  blocked: boolean;
  waiting: boolean;
  groups: string[];
  roles: string[];
  created: string;
  last_activity: string | null;
  stop_after: number | null;
  servers: LiveServer[];
}

export interface Page<Item> {
  items: Item[];
  total: number;
  offset: number;
  limit: number;
}

export type Source = 'administrator' | 'configuration' | 'sign-in';

export interface PersonDetail {
  person: Person;
  groups: { name: string; sources: Source[] }[];
  roles: { name: string; description: string; from: string[] }[];
  scopes: { scope: string; words: string }[];
  access: {
    allowed: boolean;
    because: string;
    rules: { rule: string; outcome: string; detail: string }[];
  };
  authenticator: { id: string; told_groups: string[] };
  sessions: number;
  tokens: number;
}

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

export interface Announcement {
  id: string | number;
  text: string;
  level: 'info' | 'warning';
  starts_at: string;
  ends_at: string | null;
  dismissible: boolean;
  state: 'scheduled' | 'shown' | 'over';
  by: string;
  created: string;
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
