import type { ConnectionOptions } from 'node:tls';
import type { Address, Route, RouteMessage } from '@atrium/sdk';

/** Where a connection to a server leads. */
export type UpstreamAddress = Address & {
  /** How to speak TLS with it. `id` tells apart what may not share connections. */
  tls?: { id: string; options: ConnectionOptions };
};

/** Where a request goes. */
export interface Target {
  /** Undefined for the hub, whose address the proxy knows itself. */
  address: UpstreamAddress | undefined;
  /** Names the address, so that a request need not put the name together; empty for the hub. */
  key: string;
  /** Unescaped path prefix without a slash at its end; empty for the root. */
  prefix: string;
  serverId: string | undefined;
  /** What a target says beyond the address, where it is a URL. */
  place?: TargetPlace;
}

/** Parts of a target's URL. */
export interface TargetPlace {
  /** `host`, or `host:port` where that is not the scheme's own. */
  authority: string;
  secure: boolean;
  /** Without a slash at its end, so empty for the root. */
  path: string;
  /** With its question mark, or empty. */
  query: string;
}

/** The path can be read in two ways that lead to different places. */
export const AMBIGUOUS = 'ambiguous';

/** Where everything leads that has no route. */
export const HUB: Target = { address: undefined, key: '', prefix: '', serverId: undefined };

class HostTable {
  readonly #byPath = new Map<string, Target>();
  readonly #routes = new Map<string, Route>();
  /** Segments of the longest route. It may be too large after a delete, which costs a look-up and is right. */
  #depth = 0;

  set(route: Route, path: string): void {
    const address = route.target.kind === 'hub' ? undefined : route.target;
    const prefix = path === '/' ? '' : path;
    const key = address ? addressKey(address) : '';
    this.put({ address, key, prefix, serverId: route.serverId });
    this.#routes.set(prefix, route);
  }

  put(target: Target): void {
    const { prefix } = target;
    this.#byPath.set(prefix, target);
    this.#depth = Math.max(this.#depth, prefix.split('/').length - 1);
  }

  delete(path: string): Target | undefined {
    const prefix = path === '/' ? '' : path;
    const target = this.#byPath.get(prefix);
    this.#byPath.delete(prefix);
    this.#routes.delete(prefix);
    return target;
  }

  get(path: string): Target | undefined {
    return this.#byPath.get(path === '/' ? '' : path);
  }

  /** Longest prefix on whole segments. */
  match(path: string): Target | undefined {
    let end = 0;
    let found = this.#byPath.get('');
    for (let depth = 0; depth < this.#depth && end < path.length; depth++) {
      const slash = path.indexOf('/', end + 1);
      end = slash < 0 ? path.length : slash;
      found = this.#byPath.get(path.slice(0, end)) ?? found;
    }
    return found;
  }

  routes(): Iterable<Route> {
    return this.#routes.values();
  }
}

/**
 * The proxy's table: longest prefix per host. Routes today begin with a slash and hold for any host; one that begins
 * with a host name (`ada.example.org/user/ada`) holds for that host only.
 */
export class RouteTable {
  /** Of the last message applied; undefined before the first. */
  version: number | undefined;
  readonly #hosts = new Map<string, HostTable>([['', new HostTable()]]);

  /** Applies a message and returns the targets that are gone or lead elsewhere now. */
  apply(message: Exclude<RouteMessage, { type: 'ping' }>): Target[] {
    const gone: Target[] = [];
    if (message.type === 'snapshot') {
      const wanted = new Set(message.routes.map((route) => route.path));
      for (const route of this.routes()) if (!wanted.has(route.path)) this.#delete(route.path, gone);
      for (const route of message.routes) this.#set(route, gone);
    } else {
      for (const path of message.delete) this.#delete(path, gone);
      for (const route of message.set) this.#set(route, gone);
    }
    this.version = message.version;
    return gone;
  }

  /**
   * Sets one route whose data is somebody else's to keep; `key` as in `Route.path`, the target's prefix without the host.
   * Returns what it led to before.
   */
  put(key: string, target: Target): Target | undefined {
    const [host, path] = splitHost(key);
    const table = this.#hosts.get(host) ?? new HostTable();
    this.#hosts.set(host, table);
    const before = table.get(path);
    table.put(target);
    return before;
  }

  /** Returns what it led to, if there was such a route. */
  remove(key: string): Target | undefined {
    const [host, path] = splitHost(key);
    return this.#hosts.get(host)?.delete(path);
  }

  /** Every route, for the copy on disk. */
  routes(): Route[] {
    return [...this.#hosts.values()].flatMap((table) => [...table.routes()]);
  }

  /**
   * Where a request target leads: `AMBIGUOUS` when a reader that resolves dot segments, or takes an encoded slash for a
   * slash, would go elsewhere. The path itself is never changed.
   * @param host of the request, empty for any
   * @param path raw path of the request without its query
   */
  lookup(host: string, path: string): Target | typeof AMBIGUOUS {
    // Nearly every path is plain, and then it has one reading.
    if (!path.includes('%') && !path.includes('\\') && !path.includes('/.')) return this.#match(host, path);

    const decoded = path.split('/').map(decodeSegment);
    const pieces = decoded.flatMap((segment) => segment.split(/[/\\]/));
    if (pieces.some((piece) => piece === '.' || piece === '..') || path.includes('\\')) return AMBIGUOUS;
    // NUL ends a string for some readers.
    if (decoded.some((segment) => segment.includes('\0'))) return AMBIGUOUS;

    // One reading keeps an encoded slash inside its segment, the other splits there. Behind the prefix both lead to the
    // same server, whose own business it is; within the prefix they may not.
    const split = this.#match(host, pieces.join('/'));
    if (pieces.length === decoded.length) return split;
    const inSegments = decoded.map((segment) => segment.replace(/[/\\]/g, '\0'));
    return this.#match(host, inSegments.join('/')) === split ? split : AMBIGUOUS;
  }

  #match(host: string, path: string): Target {
    if (this.#hosts.size > 1 && host !== '') {
      const found = this.#hosts.get(host.replace(/:[0-9]*$/, '').toLowerCase())?.match(path);
      if (found) return found;
    }
    return this.#hosts.get('')!.match(path) ?? HUB;
  }

  #set(route: Route, gone: Target[]): void {
    const [host, path] = splitHost(route.path);
    const table = this.#hosts.get(host) ?? new HostTable();
    this.#hosts.set(host, table);
    const before = table.get(path);
    table.set(route, path);
    const now = table.get(path)!;
    if (before && (before.serverId !== now.serverId || !sameAddress(before.address, now.address))) gone.push(before);
  }

  #delete(key: string, gone: Target[]): void {
    const [host, path] = splitHost(key);
    const before = this.#hosts.get(host)?.delete(path);
    if (before) gone.push(before);
  }
}

function splitHost(key: string): [host: string, path: string] {
  const slash = key.indexOf('/');
  return slash <= 0 ? ['', key] : [key.slice(0, slash).toLowerCase(), key.slice(slash)];
}

/** Percent-decoded; what is not valid stays as it is and so matches no route. */
function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    // Still decode what is ASCII: `%ff..%2f` must not hide its slash behind a byte that is not UTF-8.
    return segment.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

/** What names an address in maps: equal for equal addresses. */
export function addressKey(address: UpstreamAddress): string {
  const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
  return address.tls ? `${where} ${address.tls.id}` : where;
}

/** Whether both lead to the same place, undefined being the hub. */
export function sameAddress(a: UpstreamAddress | undefined, b: UpstreamAddress | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && addressKey(a) === addressKey(b));
}
