import type { Kysely } from 'kysely';
import type {
  ApiTokensTable,
  BarredTokensTable,
  OAuthClientsTable,
  OAuthCodesTable,
  ShareCodesTable,
  SharesTable,
} from './tables/access.ts';
import type { AcmeAccountsTable, AcmeCertificatesTable, AcmeChallengesTable } from './tables/certificates.ts';
import type {
  ImportItemsTable,
  ImportsTable,
  LegacyLoginsTable,
  LegacyTokensTable,
  UsedLoginsTable,
} from './tables/moving-in.ts';
import type {
  ConfigMembersTable,
  GroupsTable,
  LoginThrottleTable,
  OneTimeLinksTable,
  PeopleVersionsTable,
  RoleMembersTable,
  RolesTable,
  SessionsTable,
  UserGroupsTable,
  UsersTable,
} from './tables/people.ts';
import type {
  ActiveMarksTable,
  AlertsTable,
  AnnouncementsTable,
  AuditTable,
  MetersTable,
  RollupsTable,
  StartOutcomesTable,
} from './tables/records.ts';
import type {
  LessonStartsTable,
  PluginStoreTable,
  RoutesTable,
  ServerEventsTable,
  ServersTable,
  ServicesTable,
  StorageTable,
} from './tables/servers.ts';

export type * from './tables/access.ts';
export type * from './tables/certificates.ts';
export type * from './tables/moving-in.ts';
export type * from './tables/people.ts';
export type * from './tables/records.ts';
export type * from './tables/servers.ts';

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
  acme_accounts: AcmeAccountsTable;
  acme_certificates: AcmeCertificatesTable;
  acme_challenges: AcmeChallengesTable;
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

/** What one hub does at a time, by name. */
interface LeasesTable {
  name: string;
  owner: string;
  until: number;
}
