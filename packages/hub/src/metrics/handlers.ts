import type { Urls } from '../urls.ts';

const page = (name: string) => `jupyterhub.handlers.pages.${name}`;
const base = (name: string) => `jupyterhub.handlers.base.${name}`;
const api = (module: string, name: string) => `jupyterhub.apihandlers.${module}.${name}`;

/** Below `{api}`; every parameter is written `:x`. */
const API: Readonly<Record<string, string>> = {
  '/': api('hub', 'RootAPIHandler'),
  '/health': page('HealthCheckHandler'),
  '/metrics': 'jupyterhub.handlers.metrics.MetricsHandler',
  '/info': api('hub', 'InfoAPIHandler'),
  '/shutdown': api('hub', 'ShutdownAPIHandler'),
  '/user': api('users', 'SelfAPIHandler'),
  '/users': api('users', 'UserListAPIHandler'),
  '/users/:x': api('users', 'UserAPIHandler'),
  '/users/:x/server': api('users', 'UserServerAPIHandler'),
  '/users/:x/servers/:x': api('users', 'UserServerAPIHandler'),
  '/users/:x/server/progress': api('users', 'SpawnProgressAPIHandler'),
  '/users/:x/servers/:x/progress': api('users', 'SpawnProgressAPIHandler'),
  '/users/:x/tokens': api('users', 'UserTokenListAPIHandler'),
  '/users/:x/tokens/:x': api('users', 'UserTokenAPIHandler'),
  '/users/:x/admin-access': api('users', 'UserAdminAccessAPIHandler'),
  '/authorizations/token': api('auth', 'TokenAPIHandler'),
  '/authorizations/token/:x': api('auth', 'TokenAPIHandler'),
  '/authorizations/cookie/:x': api('auth', 'CookieAPIHandler'),
  '/authorizations/cookie/:x/:x': api('auth', 'CookieAPIHandler'),
  '/users/:x/activity': api('users', 'ActivityAPIHandler'),
  '/users/:x/shared': api('shares', 'UserShareListAPIHandler'),
  '/users/:x/shared/:x/': api('shares', 'UserShareAPIHandler'),
  '/users/:x/shared/:x/:x': api('shares', 'UserShareAPIHandler'),
  '/groups': api('groups', 'GroupListAPIHandler'),
  '/groups/:x': api('groups', 'GroupAPIHandler'),
  '/groups/:x/users': api('groups', 'GroupUsersAPIHandler'),
  '/groups/:x/properties': api('groups', 'GroupPropertiesAPIHandler'),
  '/groups/:x/shared': api('shares', 'GroupShareListAPIHandler'),
  '/groups/:x/shared/:x/': api('shares', 'GroupShareAPIHandler'),
  '/groups/:x/shared/:x/:x': api('shares', 'GroupShareAPIHandler'),
  '/shares/:x': api('shares', 'ServerShareAPIHandler'),
  '/shares/:x/': api('shares', 'ServerShareAPIHandler'),
  '/shares/:x/:x': api('shares', 'ServerShareAPIHandler'),
  '/share-codes/:x': api('shares', 'ServerShareCodeAPIHandler'),
  '/share-codes/:x/': api('shares', 'ServerShareCodeAPIHandler'),
  '/share-codes/:x/:x': api('shares', 'ServerShareCodeAPIHandler'),
  '/services': api('services', 'ServiceListAPIHandler'),
  '/services/:x': api('services', 'ServiceAPIHandler'),
  '/proxy': api('proxy', 'ProxyAPIHandler'),
  '/oauth2/authorize': api('auth', 'OAuthAuthorizeHandler'),
  '/oauth2/token': api('auth', 'OAuthTokenHandler'),
};

/** Below `{hub}`. */
const PAGES: Readonly<Record<string, string>> = {
  '': page('RootHandler'),
  home: page('HomeHandler'),
  admin: page('AdminHandler'),
  spawn: page('SpawnHandler'),
  'spawn/:x': page('SpawnHandler'),
  'spawn/:x/:x': page('SpawnHandler'),
  'spawn-pending/:x': page('SpawnPendingHandler'),
  'spawn-pending/:x/:x': page('SpawnPendingHandler'),
  token: page('TokenPageHandler'),
  'accept-share': page('AcceptShareHandler'),
  'error/:x': page('ProxyErrorHandler'),
  health: page('HealthCheckHandler'),
  metrics: 'jupyterhub.handlers.metrics.MetricsHandler',
  login: 'jupyterhub.handlers.login.LoginHandler',
  logout: 'jupyterhub.handlers.login.LogoutHandler',
  logo: 'jupyterhub.handlers.static.LogoHandler',
  'static/:x/:x': 'jupyterhub.handlers.static.CacheControlStaticFilesHandler',
  'user/*': base('UserUrlHandler'),
  'user-redirect/*': base('UserRedirectHandler'),
  'security/csp-report': base('CSPReportHandler'),
};

/**
 * The `handler` label of a request: the class that serves it in JupyterHub, which dashboards select by, and for what only
 * we have, our route: `atrium:admin/usage`. There are as many as there are routes, whatever people ask for.
 * @param route the route's own address with its parameters; undefined when there was none
 */
export function handlerOf(urls: Urls, route: string | undefined): string {
  if (route === undefined) return base('Template404');
  let names = known.get(urls);
  if (!names) {
    names = new Map();
    known.set(urls, names);
  }
  let name = names.get(route);
  if (name === undefined) {
    name = nameOf(urls, route);
    names.set(route, name);
  }
  return name;
}

/** By route: every request asks. */
const known = new WeakMap<Urls, Map<string, string>>();

function nameOf(urls: Urls, route: string): string {
  const shape = route.replace(/:\w+/g, ':x');
  if (shape === urls.api) return API['/'] ?? '';
  if (shape.startsWith(`${urls.api}/`)) {
    const path = shape.slice(urls.api.length);
    return API[path] ?? `atrium:api${path}`;
  }
  if (shape.startsWith(urls.hub)) {
    const path = shape.slice(urls.hub.length);
    return PAGES[path] ?? `atrium:${path}`;
  }
  return `${base('AddSlashHandler')}`;
}
