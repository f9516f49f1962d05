/** Settings that exclude one another make several hubs of one kind. */
export interface Variant {
  readonly name: 'main' | 'strict' | 'domain' | 'sealed';
  readonly base: string;
  /** The domain below which everybody has a host of their own. */
  readonly domain?: string;
  /** More variables for servers, more roles, and more options of Atrium's spawner. */
  readonly environment?: Record<string, string>;
  readonly roles?: readonly object[];
  readonly spawner?: Record<string, unknown>;
  /** As JupyterHub's settings, by class; the port is the proxy's. */
  jupyterhub(port: number): Record<string, Record<string, unknown>>;
  /** As Atrium's. */
  atrium(port: number): Record<string, unknown>;
}

const NAMED = { allow_named_servers: true };

/** As most installations are. */
export const MAIN: Variant = {
  name: 'main',
  base: '/',
  // It asks its proxy about activity every five minutes otherwise.
  jupyterhub: () => ({ JupyterHub: { ...NAMED, last_activity_interval: 3, activity_resolution: 1 } }),
  atrium: () => ({ namedServers: { limit: 100 } }),
};

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
  }),
  atrium: () => ({
    namedServers: { limit: 2 },
    metrics: { public: true },
    start: { slow: 0, concurrency: 1, whenFull: 'refuse' },
    redirectToServer: false,
    tokens: { maxExpiresIn: 3600 },
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
  spawner: { notebookDir: '/srv/{username}', limits: { memoryMb: 512, cpus: 0.5 } },
  jupyterhub: (port) => ({
    JupyterHub: {
      ...NAMED,
      subdomain_host: `https://hub.test:${port}`,
      cookie_host_prefix_enabled: true,
      oauth_require_pkce: true,
      admin_access: true,
      shutdown_on_logout: true,
      allow_existing_invalid_named_servers: 'allow-delete',
    },
    Spawner: {
      notebook_dir: '/srv/{username}',
      mem_limit: '512M',
      cpu_limit: 0.5,
      http_timeout: 3,
      start_timeout: 20,
      consecutive_failure_limit: 5,
    },
    Authenticator: { auth_refresh_age: 1 },
  }),
  atrium: (port) => ({
    subdomainHost: `https://hub.test:${port}`,
    trustedProxies: ['127.0.0.1'],
    namedServers: { limit: 100 },
    oauth: { requirePkce: true },
    sessions: { stopServers: true, refreshAge: '1s' },
    start: { answerTimeout: '3s', timeout: '20s' },
  }),
};
