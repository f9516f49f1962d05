interface ScopeEntry {
  /** What it lets somebody do, in plain words: "read the list of users". */
  words: string;
  includes: readonly string[];
}

const entry = (words: string, ...includes: string[]): ScopeEntry => ({ words, includes });

/** Every scope, what it means and what it directly includes (contract §4.1). */
export const SCOPES: Readonly<Record<string, ScopeEntry>> = {
  'admin-ui': entry('open the administration page'),
  'admin:users': entry(
    'create, change and delete accounts',
    'admin:auth_state',
    'users',
    'read:roles:users',
    'delete:users',
  ),
  'admin:auth_state': entry('read what the sign-in service said about people'),
  users: entry('change accounts', 'read:users', 'list:users', 'users:activity'),
  'delete:users': entry('delete accounts'),
  'list:users': entry('list accounts', 'read:users:name'),
  'read:users': entry('read account details', 'read:users:name', 'read:users:groups', 'read:users:activity'),
  'read:users:name': entry('read names'),
  'read:users:groups': entry('read which groups people are in'),
  'read:users:activity': entry('read when people were last active'),
  'users:activity': entry('report activity', 'read:users:activity'),
  'read:roles': entry('read all roles', 'read:roles:users', 'read:roles:services', 'read:roles:groups'),
  'read:roles:users': entry('read the roles of people'),
  'read:roles:services': entry('read the roles of services'),
  'read:roles:groups': entry('read the roles of groups'),
  'admin:servers': entry('manage servers and their internal state', 'admin:server_state', 'servers'),
  'admin:server_state': entry('read the internal state of servers'),
  servers: entry('start and stop servers', 'read:servers', 'start:servers', 'delete:servers'),
  'read:servers': entry('see servers and whether they run', 'read:users:name'),
  'start:servers': entry('start servers'),
  'delete:servers': entry('stop and remove servers'),
  tokens: entry('create and revoke tokens', 'read:tokens'),
  'read:tokens': entry('list tokens, not their text'),
  'admin:groups': entry('create, change and delete groups', 'groups', 'read:roles:groups', 'delete:groups'),
  groups: entry('change who is in groups', 'read:groups', 'list:groups'),
  'delete:groups': entry('delete groups'),
  'list:groups': entry('list groups', 'read:groups:name'),
  'read:groups': entry('read groups and their members', 'read:groups:name'),
  'read:groups:name': entry('read the names of groups'),
  'admin:services': entry('create and delete services', 'list:services', 'read:services', 'read:roles:services'),
  'list:services': entry('list services', 'read:services:name'),
  'read:services': entry('read service details', 'read:services:name'),
  'read:services:name': entry('read the names of services'),
  shares: entry('share servers', 'access:servers', 'read:shares', 'users:shares', 'groups:shares'),
  'read:shares': entry('see who servers are shared with'),
  'users:shares': entry('leave servers shared with people', 'read:users:shares'),
  'read:users:shares': entry('see servers shared with people'),
  'groups:shares': entry('take groups off shared servers', 'read:groups:shares'),
  'read:groups:shares': entry('see servers shared with groups'),
  'access:servers': entry('open and use running servers'),
  'access:services': entry('open and use services'),
  'read:hub': entry('read details of the hub'),
  'read:metrics': entry('read measurements of the hub'),
  proxy: entry('read and refresh the routes of the proxy'),
  shutdown: entry('shut the hub down'),
};

/** What `self` gives a person, each for themselves only (contract §4.3). */
export const SELF_SCOPES = [
  'users:activity',
  'read:users',
  'users:shares',
  'read:shares',
  'servers',
  'tokens',
  'access:servers',
] as const;

/** What an administrator holds beside `self` (contract §4.4, role `admin`). */
export const ADMIN_SCOPES = [
  'admin-ui',
  'admin:users',
  'admin:servers',
  'admin:services',
  'tokens',
  'admin:groups',
  'list:services',
  'read:services',
  'read:hub',
  'proxy',
  'shutdown',
  'access:services',
  'access:servers',
  'read:roles',
  'read:metrics',
  'shares',
] as const;

/** What every token may read of its owner, whatever else it may not (contract §2.3). */
export const IDENTIFY_SCOPES = ['read:users:name!user', 'read:users:groups!user'] as const;

/** The same of a service. */
export const IDENTIFY_SERVICE_SCOPES = ['read:services:name!service'] as const;
