import { ROLES } from './world.ts';

/** Settings that exclude one another make several hubs of one kind. */
export interface Variant {
  readonly name: string;
  readonly base: string;
  /** The domain below which everybody has a host of their own. */
  readonly domain?: string;
  /** More variables for servers, more roles, and more options of Atrium's spawner of processes. */
  readonly environment?: Record<string, string>;
  readonly roles?: readonly object[];
  readonly spawnerOptions?: Record<string, unknown>;
  /** As JupyterHub's settings, by class; the port is the proxy's. */
  jupyterhub(port: number): Record<string, Record<string, unknown>>;
  /** As Atrium's. */
  atrium(port: number): Record<string, unknown>;
  /** More lines of Atrium's configuration file, for what is no JSON. */
  readonly more?: string;
  /** It has a service that is down. */
  readonly lostService?: boolean;
  /** Its form asks for a profile, a course and files; Atrium's spawner says so itself. */
  readonly asks?: boolean;
  /** Atrium's spawner, as its configuration has it; else the one of processes. */
  readonly spawner?: string;
  /** Of JupyterHub's process, for what its configuration cannot say. */
  readonly hubEnvironment?: Record<string, string>;
}

/** Roles that there are anyway, defined anew. */
const OWN_USER_ROLES = [
  { name: 'user', scopes: ['self', 'list:services'] },
  { name: 'server', scopes: ['inherit'] },
];

const NAMED = { allow_named_servers: true };

/** As most installations are. */
export const MAIN: Variant = {
  name: 'main',
  base: '/',
  // It asks its proxy about activity every five minutes otherwise.
  jupyterhub: () => ({ JupyterHub: { ...NAMED, last_activity_interval: 3, activity_resolution: 1 } }),
  atrium: () => ({ namedServers: { limit: 100 } }),
};

const PATTERN = '(?!odd-).*';

/** Below a path, with limits, without patience. */
export const STRICT: Variant = {
  name: 'strict',
  base: '/room/',
  jupyterhub: () => ({
    JupyterHub: {
      ...NAMED,
      named_server_limit_per_user: 2,
      authenticate_prometheus: false,
      concurrent_spawn_limit: 1,
      spawn_throttle_retry_range: [30, 60],
      tornado_settings: { slow_spawn_timeout: 0, slow_stop_timeout: 0 },
      redirect_to_server: false,
      token_expires_in_max_seconds: 3600,
    },
    Authenticator: { username_pattern: PATTERN, refresh_pre_spawn: true, auth_refresh_strict: true },
  }),
  atrium: () => ({
    namedServers: { limit: 2 },
    metrics: { public: true },
    start: { slow: 0, concurrency: 1, whenFull: 'refuse' },
    redirectToServer: false,
    tokens: { maxExpiresIn: 3600 },
    usernamePattern: PATTERN,
    sessions: { refreshBeforeStart: true, refreshTokens: true },
  }),
};

/** Everybody on a host of their own; one server in all, none with a name. */
export const DOMAIN: Variant = {
  name: 'domain',
  base: '/',
  domain: 'hub.test',
  jupyterhub: (port) => ({
    JupyterHub: {
      subdomain_host: `http://hub.test:${port}`,
      allow_named_servers: false,
      active_server_limit: 1,
    },
  }),
  atrium: (port) => ({
    subdomainHost: `http://hub.test:${port}`,
    namedServers: { limit: 0 },
    start: { activeLimit: 1, whenFull: 'refuse' },
  }),
};

/** What is asked before a start, known at an address in front of it, with names, roles and answers of its own. */
const ASKED: Variant = {
  name: 'asked',
  asks: true,
  base: '/',
  hubEnvironment: { JUPYTERHUB_METRICS_PREFIX: 'campus' },
  jupyterhub: (port) => ({
    JupyterHub: {
      ...NAMED,
      public_url: `http://hub.front.test:${port}/`,
      implicit_spawn_seconds: 7,
      use_legacy_stopped_server_status_code: true,
      extra_user_scopes: ['read:hub'],
    },
    Authenticator: { username_map: { countess: 'lovelace' } },
  }),
  atrium: (port) => ({
    publicUrl: `http://hub.front.test:${port}/`,
    stopped: { status: 503, startAfter: '7s' },
    extraUserScopes: ['read:hub'],
    usernameMap: { countess: 'lovelace' },
    metrics: { prefix: 'campus' },
  }),
  spawner: `echoSpawner({
    profiles: [{ id: 'small', title: 'Small' }, { id: 'large', title: 'Large' }],
    fields: [{ name: 'course', label: 'Course', kind: 'text' }, { name: 'data', label: 'Data', kind: 'file' }],
  })`,
};

/** Hosts as JupyterHub made them before version 5, and a sign-in that is somewhere else. */
const LEGACY: Variant = {
  name: 'legacy',
  lostService: true,
  base: '/',
  domain: 'old.test',
  jupyterhub: (port) => ({
    JupyterHub: {
      ...NAMED,
      subdomain_host: `http://old.test:${port}`,
      subdomain_hook: 'legacy',
      authenticator_class: 'contract_elsewhere',
      load_roles: [...ROLES, ...OWN_USER_ROLES],
    },
  }),
  atrium: (port) => ({ subdomainHost: `http://old.test:${port}`, roles: [...ROLES, ...OWN_USER_ROLES] }),
};

export const OTHERS = { asked: ASKED, legacy: LEGACY } as const;
export type OtherName = keyof typeof OTHERS;
/** What few installations set: https before it, limits and little patience for servers. */
export const SEALED: Variant = {
  name: 'sealed',
  base: '/',
  domain: 'hub.test',
  environment: {
    JUPYTERHUB_DEBUG: '1',
    JUPYTERHUB_DISABLE_USER_CONFIG: '1',
    JUPYTERHUB_COOKIE_OPTIONS: '{"samesite": "Strict"}',
    JUPYTERHUB_DEFAULT_URL: '/tree',
  },
  roles: [{ name: 'server', scopes: ['access:servers!server', 'read:tokens!user'] }],
  spawnerOptions: {
    notebookDir: '/srv/{username}',
    limits: { memoryMb: 512, cpus: 0.5 },
    guarantees: { memoryMb: 128, cpus: 0.25 },
  },
  more: "namedServers: { limit: ({ name }) => (name.startsWith('few-') ? 1 : 100) },",
  jupyterhub: (port) => ({
    JupyterHub: {
      ...NAMED,
      subdomain_host: `https://hub.test:${port}`,
      cookie_host_prefix_enabled: true,
      oauth_require_pkce: true,
      admin_access: true,
      shutdown_on_logout: true,
      allow_existing_invalid_named_servers: 'allow-delete',
      named_server_limit_per_user: 'contract_limit',
    },
    Spawner: {
      notebook_dir: '/srv/{username}',
      mem_limit: '512M',
      cpu_limit: 0.5,
      mem_guarantee: '128M',
      cpu_guarantee: 0.25,
      http_timeout: 3,
      start_timeout: 20,
      consecutive_failure_limit: 5,
    },
    Authenticator: { auth_refresh_age: 1 },
  }),
  atrium: (port) => ({
    subdomainHost: `https://hub.test:${port}`,
    trustedProxies: ['127.0.0.1'],
    oauth: { requirePkce: true },
    sessions: { stopServers: true, refreshAge: '1s' },
    start: { answerTimeout: '3s', timeout: '20s' },
  }),
};
