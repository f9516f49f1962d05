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
  /** The proxy's route of a server: unescaped, no slash at the end. */
  routePath(user: string, server: string): string;
}

export function makeUrls(base: string): Urls {
  const hub = `${base}hub/`;
  const tail = (user: string, server: string) => segment(user) + (server === '' ? '' : `/${segment(server)}`);
  return {
    base,
    hub,
    api: `${hub}api`,
    server: (user, server) => `${base}user/${tail(user, server)}/`,
    spawn: (user, server) => `${hub}spawn/${tail(user, server)}`,
    change: (user, server) => `${hub}change/${tail(user, server)}`,
    spawnPending: (user, server) => `${hub}spawn-pending/${tail(user, server)}`,
    progress: (user, server) =>
      `${hub}api/users/${segment(user)}/${server === '' ? 'server' : `servers/${segment(server)}`}/progress`,
    service: (name) => `${base}services/${segment(name)}/`,
    routePath: (user, server) => `${base}user/${user}${server === '' ? '' : `/${server}`}`,
  };
}
