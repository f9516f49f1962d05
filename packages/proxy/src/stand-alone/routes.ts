import type { Clock } from '@atrium/sdk';
import { addressKey, type RouteTable, sameAddress, type Target, type UpstreamAddress } from '../route-table.ts';
import { parseTarget, TargetError, type TargetTls } from './target.ts';

/** What was posted for a route: `target`, and whatever its owner wants to find again. */
export type RouteData = Record<string, unknown> & { target: string };

interface Entry {
  data: RouteData;
  /** Ms since the epoch. */
  lastActivity: number;
  lasting: boolean;
}

export interface AddOptions {
  /** Of a route that was there before the proxy was started; ms since the epoch. Default: now. */
  lastActivity?: number;
  /** False for a route that the command line names anew at each start, or does not name any more. */
  lasting?: boolean;
}

export interface RoutesOptions {
  table: RouteTable;
  /** The first segment of a route names its host. */
  hostRouting: boolean;
  tls: TargetTls;
  clock: Clock;
  /** Nothing leads to this address any more. */
  onGone(address: UpstreamAddress): void;
  /** There is something new to keep on disk. */
  onChange(): void;
}

/** The routes that programs set: their data, where they lead, and when they were last used. Keys begin with a slash. */
export class Routes {
  readonly #options: RoutesOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Sets a route, which counts as a use of it. Throws a `TargetError`. */
  add(key: string, data: Record<string, unknown>, options: AddOptions = {}): void {
    const { table, hostRouting, tls, clock, onGone, onChange } = this.#options;
    const { lastActivity = clock.now(), lasting = true } = options;
    const { target } = data;
    if (typeof target !== 'string') throw new TargetError("Must specify 'target' as string");
    const { address, place } = parseTarget(target, tls);
    const where = tableKey(key, hostRouting);
    const slash = where.indexOf('/');
    const prefix = where.slice(slash) === '/' ? '' : where.slice(slash);
    const next: Target = { address, key: addressKey(address), prefix, serverId: key, place };
    const before = table.put(where, next)?.address;
    if (before && !sameAddress(before, address)) onGone(before);
    const host = hostRouting && key !== '/' ? { host: key.split('/')[1] } : {};
    this.#entries.set(key, { data: { ...data, target, ...host }, lastActivity, lasting });
    onChange();
  }

  /** False when there is no such route. */
  remove(key: string): boolean {
    if (!this.#entries.delete(key)) return false;
    const { table, hostRouting, onGone, onChange } = this.#options;
    const before = table.remove(tableKey(key, hostRouting))?.address;
    if (before) onGone(before);
    onChange();
    return true;
  }

  /** A route as it is shown. */
  get(key: string): Record<string, unknown> | undefined {
    const entry = this.#entries.get(key);
    return entry && shown(entry);
  }

  /** Every route by its key. @param before only those not used since, ms since the epoch */
  all(before = Number.POSITIVE_INFINITY): Record<string, Record<string, unknown>> {
    const some = [...this.#entries].filter(([, { lastActivity }]) => lastActivity < before);
    return Object.fromEntries(some.map(([key, entry]) => [key, shown(entry)]));
  }

  /** Those that outlive the proxy, by their keys. */
  lasting(): Record<string, Record<string, unknown>> {
    const some = [...this.#entries].filter(([, { lasting }]) => lasting);
    return Object.fromEntries(some.map(([key, entry]) => [key, shown(entry)]));
  }

  /** A use of a route at `at`. */
  note(key: string, at: number): void {
    const entry = this.#entries.get(key);
    if (entry && at > entry.lastActivity) entry.lastActivity = at;
  }
}

function shown({ data, lastActivity }: Entry): Record<string, unknown> {
  return { ...data, last_activity: new Date(lastActivity).toISOString() };
}

/** A key as everybody writes it: a slash at its start, none at its end. */
export function cleanKey(path: string): string {
  const key = path.startsWith('/') ? path : `/${path}`;
  return key.length > 1 && key.endsWith('/') ? key.slice(0, -1) : key;
}

/** `/ada.example.org/user/ada` as the table has it, `ada.example.org/user/ada`; the root holds for every host. */
function tableKey(key: string, hostRouting: boolean): string {
  if (!hostRouting || key === '/') return key;
  return key.indexOf('/', 1) < 0 ? `${key.slice(1)}/` : key.slice(1);
}
