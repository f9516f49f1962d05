import { serviceLabel, userLabel } from './subdomains.ts';

/** Percent-encodes one path segment as the contract does: unreserved characters plus `@` and `~` stay. */
export function segment(text: string): string {
  return encodeURIComponent(text)
    .replace(/%40/g, '@')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Every path of the installation, from `basePath`. All start with a slash; `base`, `hub` and prefixes end with one. */
export interface Urls {
  /** `{base}` */
  readonly base: string;
  /** `{base}hub/` */
  readonly hub: string;
  /** `{base}hub/api` */
  readonly api: string;
  /** `{base}user/<name>/[<server>/]`, percent-encoded. */
  server(user: string, server: string): string;
  /** `{hub}spawn/<user>[/<server>]` */
  spawn(user: string, server: string): string;
  /** `{hub}change/<user>[/<server>]`: to another kind of server. */
  change(user: string, server: string): string;
  /** `{hub}spawn-pending/<user>[/<server>]` */
  spawnPending(user: string, server: string): string;
  /** `{api}/users/<user>/server/progress` or `…/servers/<server>/progress` */
  progress(user: string, server: string): string;
  /** `{base}services/<name>/` */
  service(name: string): string;
  /** The proxy's route of a server: unescaped, no slash at the end; with the host before it where people have their own. */
  routePath(user: string, server: string): string;
  /** The same of a service. */
  serviceRoute(name: string): string;

  /** Where people have hosts of their own: what those lie under, without a port. Undefined elsewhere. */
  readonly domain: string | undefined;
  /** Scheme, name and port of the hub, where people have hosts of their own; else empty, and every address is a path. */
  readonly hubHost: string;
  /** Every host of a person or a service at once, as a content policy names them; empty without such hosts. */
  readonly otherHosts: string;
  /** Cookies must say that no other host may set them: a person's page could plant one of the hub's otherwise. */
  readonly hostCookies: boolean;
  /** Scheme, name and port of a person's own host, or empty. */
  userHost(user: string): string;
  /** Scheme, name and port of a service's own host, or empty. */
  serviceHost(name: string): string;
  /** Where a browser finds a server: `server()`, on its owner's host. */
  serverUrl(user: string, server: string): string;
  /** Where a browser finds a service: `service()`, on its host. */
  serviceUrl(name: string): string;
}

/** @param subdomainHost of the config: gives people and services hosts of their own */
export function makeUrls(base: string, subdomainHost?: string): Urls {
  const hub = `${base}hub/`;
  const place = subdomainHost === undefined ? undefined : new URL(subdomainHost);
  const under = (label: string) => `${label}.${place?.hostname}`;
  const reached = (host: string) => `${place?.protocol}//${host}${place?.port ? `:${place.port}` : ''}`;
  const userRoot = (user: string) => (place ? under(userLabel(user)) : '');
  const serviceRoot = (name: string) => (place ? under(serviceLabel(name)) : '');
  const userHost = (user: string) => (place ? reached(userRoot(user)) : '');
  const serviceHost = (name: string) => (place ? reached(serviceRoot(name)) : '');
  const tail = (user: string, server: string) => segment(user) + (server === '' ? '' : `/${segment(server)}`);
  const server = (user: string, name: string) => `${base}user/${tail(user, name)}/`;
  const service = (name: string) => `${base}services/${segment(name)}/`;
  return {
    base,
    hub,
    api: `${hub}api`,
    server,
    spawn: (user, name) => `${hub}spawn/${tail(user, name)}`,
    change: (user, name) => `${hub}change/${tail(user, name)}`,
    spawnPending: (user, name) => `${hub}spawn-pending/${tail(user, name)}`,
    progress: (user, name) =>
      `${hub}api/users/${segment(user)}/${name === '' ? 'server' : `servers/${segment(name)}`}/progress`,
    service,
    routePath: (user, name) => `${userRoot(user)}${base}user/${user}${name === '' ? '' : `/${name}`}`,
    serviceRoute: (name) => `${serviceRoot(name)}${base}services/${name}`,
    domain: place?.hostname,
    hubHost: place?.origin ?? '',
    otherHosts: place ? reached(under('*')) : '',
    hostCookies: place?.protocol === 'https:',
    userHost,
    serviceHost,
    serverUrl: (user, name) => userHost(user) + server(user, name),
    serviceUrl: (name) => serviceHost(name) + service(name),
  };
}
