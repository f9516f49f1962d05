/** What the hub is called, for telling its own absolute addresses from others'. */
export interface Origin {
  /** `Host` of the request, port included. */
  host: string;
  /** The config's `publicUrl`; then only its scheme and host count. */
  publicUrl?: string | undefined;
  /** The config's `subdomainHost`; then every host at or below it is ours. */
  subdomainHost?: string | undefined;
  /** `{hub}`: sign-in and sign-out are nowhere to return to. */
  hub: string;
}

/** Controls that browsers drop from an address, which would turn `/<tab>/evil` into `//evil`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are meant
const DROPPED = /[\u0000-\u001f\u007f]/;

/**
 * Where to go after signing in: a path of this hub, or null when `raw` is nothing that may be followed
 * (contract §5.2). Safe to put into a `Location` header.
 */
export function safeNext(raw: unknown, { hub, ...ours }: Origin): string | null {
  if (typeof raw !== 'string' || raw === '' || DROPPED.test(raw)) return null;
  const text = raw.replaceAll('\\', '%5C').replace(/^\/{3,}/, '//');
  const [, scheme = '', authority, rest = ''] = /^(?:(https?):)?\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  const path = authority === undefined ? text : isOurs(scheme, authority, ours) ? pathOf(rest) : null;
  if (path === null || !path.startsWith('/') || path.startsWith('//')) return null;
  const [place = ''] = path.split(/[?#]/, 1);
  if (place === `${hub}login` || place === `${hub}logout`) return null;
  return escapeForHeader(path);
}

function isOurs(scheme: string, authority: string, { host, publicUrl, subdomainHost }: Omit<Origin, 'hub'>): boolean {
  const given = authority.toLowerCase();
  if (subdomainHost !== undefined && `.${given}`.endsWith(`.${new URL(subdomainHost).host}`)) return true;
  if (publicUrl === undefined) return given === host.toLowerCase();
  const ours = new URL(publicUrl);
  const sameScheme = scheme === '' || `${scheme.toLowerCase()}:` === ours.protocol;
  return sameScheme && given === ours.host;
}

/** The part after the host, with exactly one slash before it. */
function pathOf(rest: string): string {
  return rest.startsWith('/') ? rest.replace(/^\/+/, '/') : `/${rest}`;
}

/** Headers carry Latin-1; whatever is beyond ASCII travels percent-encoded. A lone surrogate is nobody's path. */
function escapeForHeader(path: string): string | null {
  try {
    return path.replace(/[^\u0021-\u007e]+/g, encodeURIComponent);
  } catch {
    return null;
  }
}

/** `next` when it may be followed; otherwise `fallback` with the query's other parameters (contract §5.2). */
export function destination(query: Record<string, unknown>, fallback: string, origin: Origin): string {
  const next = safeNext(query.next, origin);
  if (next !== null) return next;
  const others = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (key === 'next' || key === '_xsrf') continue;
    for (const item of [value].flat()) if (typeof item === 'string') others.append(key, item);
  }
  return others.size === 0 ? fallback : `${fallback}?${others}`;
}
