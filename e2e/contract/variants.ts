/** Settings that exclude one another make several hubs of one kind. */
export interface Variant {
  readonly name: 'main' | 'strict' | 'domain';
  readonly base: string;
  /** The domain below which everybody has a host of their own. */
  readonly domain?: string;
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
      tornado_settings: { slow_spawn_timeout: 0 },
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
