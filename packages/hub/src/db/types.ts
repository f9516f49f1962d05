import type { Generated, Kysely } from 'kysely';

/** A plain connection, or a transaction: every repository function takes it first and serves both. */
export type Db = Kysely<Tables>;

/**
 * Conventions: times are integers, ms since the epoch, UTC. Booleans are 0 or 1. JSON is text, named `…Json` here by
 * its column comment and converted at the repository's edge. Both databases store the same values.
 */
export interface Tables {
  meta: MetaTable;
  counters: CountersTable;
  users: UsersTable;
  people_versions: PeopleVersionsTable;
  sessions: SessionsTable;
  login_throttle: LoginThrottleTable;
  one_time_links: OneTimeLinksTable;
  api_tokens: ApiTokensTable;
  oauth_clients: OAuthClientsTable;
  oauth_codes: OAuthCodesTable;
  servers: ServersTable;
  server_events: ServerEventsTable;
  storage: StorageTable;
  audit: AuditTable;
  plugin_store: PluginStoreTable;
  routes: RoutesTable;
  groups: GroupsTable;
  user_groups: UserGroupsTable;
  config_members: ConfigMembersTable;
  alerts: AlertsTable;
  leases: LeasesTable;
  meters: MetersTable;
  lesson_starts: LessonStartsTable;
  imports: ImportsTable;
  import_items: ImportItemsTable;
  legacy_tokens: LegacyTokensTable;
  legacy_logins: LegacyLoginsTable;
  used_logins: UsedLoginsTable;
  roles: RolesTable;
  role_members: RoleMembersTable;
  services: ServicesTable;
  shares: SharesTable;
  share_codes: ShareCodesTable;
  barred_tokens: BarredTokensTable;
  announcements: AnnouncementsTable;
  start_outcomes: StartOutcomesTable;
  active_marks: ActiveMarksTable;
  rollups: RollupsTable;
}

/** Facts of the installation: `hub_id`, `created`. */
interface MetaTable {
  key: string;
  value: string;
}

/** `uid` (next number of the reserved range; numbers are never given twice) and `route_version`. */
interface CountersTable {
  name: string;
  value: number;
}

export interface UsersTable {
  id: Generated<number>;
  name: string;
  admin: number;
  /** Their own number from the reserved range (sdk accounts.ts), kept for ever. */
  uid: number;
  /** Why the account itself is allowed in: `first-admin`, `administrator`, `approval`; null when only rules decide. */
  allowed_by: string | null;
  /** 1 while a sign-up waits for an administrator. */
  pending: number;
  /** 1 when an administrator blocked the account; wins over everything. */
  blocked: number;
  created: number;
  last_activity: number | null;
  /** JSON object or null: contract §3.3 `user_info`. */
  user_info: string | null;
  /** JSON list: groups the authenticator reported at the last sign-in. */
  auth_groups: string;
  /** JSON list, sorted: all groups they are in, by whatever way; kept by the groups feature. */
  groups: Generated<string>;
  /** Seconds without activity until their servers stop; null = the config's; 0 = never. */
  stop_after: number | null;
  /** Sealed JSON of what the sign-in service said, where the configuration keeps it. */
  auth_state: Generated<string | null>;
}

/** How often the people, or what they are listed by, changed: the sum of all rows, which triggers keep. */
interface PeopleVersionsTable {
  slot: number;
  changes: number;
}

export interface SessionsTable {
  /** SHA-256 hex of the login cookie's value. */
  hash: string;
  /** `jupyterhub-session-id`: 32 hex, set again when the browser lost it (contract §2.5). */
  session_id: string;
  user_id: number;
  created: number;
  last_seen: number;
  expires_at: number;
}

export interface LoginThrottleTable {
  /** `name:ada` or `ip:10.0.0.7`. */
  key: string;
  failures: number;
  locked_until: number;
  updated: number;
}

export interface OneTimeLinksTable {
  /** SHA-256 hex of the link's secret. */
  hash: string;
  /** `first-admin` or `reset`. */
  kind: string;
  user_id: number | null;
  created: number;
  expires_at: number;
  used_at: number | null;
}

export interface ApiTokensTable {
  /** Shown as `a<id>` (contract §3.3). */
  id: Generated<number>;
  /** SHA-256 hex of the token. */
  hash: string;
  /** Whose it is: a person's or a service's, one of the two. */
  user_id: number | null;
  service_id: Generated<number | null>;
  /** `jupyterhub` for tokens issued by the hub itself; otherwise the OAuth client. */
  client_id: string;
  /** The browser session it was made in; deleted at that session's logout. */
  session_id: string | null;
  created: number;
  expires_at: number | null;
  last_activity: number | null;
  note: string;
  /** JSON list of stored scopes, unexpanded (`inherit`, `access:servers!server=ada/`, …). */
  scopes: string;
  /** Set for a server's own token: deleted when that start ends. */
  server_id: string | null;
  generation: number | null;
}

export interface OAuthClientsTable {
  /** `jupyterhub-user-<name>[-<server>]`, `service-<name>`. */
  identifier: string;
  /** SHA-256 hex of the secret. */
  secret_hash: string;
  redirect_uri: string;
  /** JSON list. */
  allowed_scopes: string;
  description: string;
  server_id: string | null;
  /** The service behind it; of a client, at most one of the two is set. */
  service_id: number | null;
}

export interface OAuthCodesTable {
  /** SHA-256 hex of the code. */
  hash: string;
  client_id: string;
  user_id: number;
  session_id: string | null;
  redirect_uri: string;
  /** JSON list. */
  scopes: string;
  code_challenge: string | null;
  code_challenge_method: string | null;
  expires_at: number;
}

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

/** What one hub does at a time, by name. */
interface LeasesTable {
  name: string;
  owner: string;
  until: number;
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

export interface GroupsTable {
  id: Generated<number>;
  name: string;
  /** JSON object (contract §3.3). */
  properties: string;
  created: number;
}

/** Memberships that an administrator gave. */
export interface UserGroupsTable {
  user_id: number;
  group_id: number;
}

/** Memberships of the configuration file, as the hub that started last read it; also of people without an account yet. */
export interface ConfigMembersTable {
  group_name: string;
  user_name: string;
}

/** What upkeep found that a person should read. */
export interface AlertsTable {
  code: string;
  message: string;
  first_at: number;
  last_at: number;
}

/** Roles beside the configuration's and the default ones. */
export interface RolesTable {
  name: string;
  description: string;
  /** JSON list, as written: unexpanded. */
  scopes: string;
  /** What brought it: `import`. */
  source: string;
}

/** Who has a role beside what the configuration says. */
export interface RoleMembersTable {
  role_name: string;
  kind: 'user' | 'group' | 'service';
  /** A person's number; otherwise a name. */
  member: string;
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

/** What people or groups may do with somebody's server; the filter to that server is added when it is read. */
export interface SharesTable {
  id: Generated<number>;
  server_id: string;
  /** Either a person's number, or the name of a group. */
  user_id: number | null;
  group_name: string | null;
  /** JSON list, sorted, without filters. */
  scopes: string;
  created: number;
  /** Only of those that an import brought with an end. */
  expires_at: number | null;
}

/** Whoever has the code may make a share of it, until it ends. */
export interface ShareCodesTable {
  id: Generated<number>;
  server_id: string;
  hash: string;
  /** Of a code that a JupyterHub gave out and that was not used here yet; its `hash` matches nothing. */
  legacy_prefix: string | null;
  legacy_hashed: string | null;
  /** As of a share. */
  scopes: string;
  created: number;
  expires_at: number;
  exchange_count: Generated<number>;
  last_exchanged_at: number | null;
}

/**
 * Tokens that the proxy keeps from a server, for as long as the server may remember that they were good; part of the route
 * stream.
 */
export interface BarredTokensTable {
  /** '' for every server. */
  server_id: string;
  /** As in `api_tokens`. */
  hash: string;
  /** 0 when it is lifted. */
  until: number;
  /** Of the route stream. */
  version: number;
}

/** One run of `atrium import … --apply`. */
interface ImportsTable {
  id: Generated<number>;
  /** Which database it was: a file, or host and name. */
  source: string;
  revision: string;
  at: number;
  undone_at: number | null;
  /** What JupyterHub signed its login cookies with, sealed with the hub key; null when it was not given, or is over. */
  cookie_secret: string | null;
  /** Until when its login cookies are taken. */
  logins_until: number | null;
}

/** What an import added. */
interface ImportItemsTable {
  /** `user`, `group`, `member`, `server`, `token`, … */
  kind: string;
  /** What it is called there: a name, or JSON of several; a token's stored hash. */
  theirs: string;
  import_id: number;
  /** Key of the row here. */
  ours: string;
  /** JSON of what the row said when it was added: whoever takes the import back looks whether it still does. */
  fingerprint: string;
}

/** Tokens of a JupyterHub that were not used here yet; `api_tokens.hash` of theirs matches nothing. */
interface LegacyTokensTable {
  token_id: number;
  /** The token's first four characters. */
  prefix: string;
  /** As JupyterHub stored it: `algorithm:rounds:salt:hexdigest`. */
  hashed: string;
}

/** Whose browsers carry which id in their JupyterHub login cookie. */
interface LegacyLoginsTable {
  /** SHA-256 hex of `users.cookie_id`. */
  hash: string;
  user_id: number;
  import_id: number;
}

/** JupyterHub's login cookies that a session was made of: none counts twice. SHA-256 hex of the cookie. */
interface UsedLoginsTable {
  hash: string;
  import_id: number;
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
