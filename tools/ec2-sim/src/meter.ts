import type { SimClock } from './clock.ts';
import type { Resource } from './world.ts';

export type MeterKind = 'instance' | 'volume' | 'snapshot' | 'address' | 'nat' | 'endpoint';

export interface Reading {
  kind: MeterKind;
  id: string;
  /** US dollars per hour. */
  rate: number;
  from: number;
  to?: number;
  /** Billed for at least so long. */
  minimumMs: number;
  /** Tags of the resource, as they are now. */
  tags: ReadonlyMap<string, string>;
}

export interface Costs {
  /** US dollars. */
  total: number;
  byKind: Record<MeterKind, number>;
  byId: Map<string, number>;
}

/** Hours in the month that prices per month are divided by. */
export const HOURS_PER_MONTH = 730;

/** What AWS would bill: intervals with a rate, summed when asked. */
export class Meter {
  readonly #clock: SimClock;
  readonly #open = new Map<string, Reading>();
  readonly #closed: Reading[] = [];

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  /** Starts to bill at a rate; what was billed for the same thing before ends here. */
  start(kind: MeterKind, resource: Pick<Resource, 'id' | 'tags'>, rate: number, minimumMs = 0): void {
    this.stop(kind, resource.id);
    const { id, tags } = resource;
    this.#open.set(`${kind}:${id}`, { kind, id, rate, from: this.#clock.now(), minimumMs, tags });
  }

  stop(kind: MeterKind, id: string): void {
    const reading = this.#open.get(`${kind}:${id}`);
    if (!reading) return;
    this.#open.delete(`${kind}:${id}`);
    reading.to = this.#clock.now();
    this.#closed.push(reading);
  }

  readings(): readonly Reading[] {
    return [...this.#closed, ...this.#open.values()];
  }

  /** What has accrued until now; only for resources that `of` accepts. */
  costs(of: (reading: Reading) => boolean = () => true): Costs {
    const now = this.#clock.now();
    const byKind = { instance: 0, volume: 0, snapshot: 0, address: 0, nat: 0, endpoint: 0 };
    const byId = new Map<string, number>();
    let total = 0;
    for (const reading of this.readings()) {
      if (!of(reading)) continue;
      const ms = Math.max((reading.to ?? now) - reading.from, reading.minimumMs);
      const usd = (ms / 3_600_000) * reading.rate;
      byKind[reading.kind] += usd;
      byId.set(reading.id, (byId.get(reading.id) ?? 0) + usd);
      total += usd;
    }
    return { total, byKind, byId };
  }
}
