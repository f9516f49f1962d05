import type { Generated } from 'kysely';

/* Tables of people: accounts, browsers that are signed in, groups, roles. */

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
export interface PeopleVersionsTable {
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
