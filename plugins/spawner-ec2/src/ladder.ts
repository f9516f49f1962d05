import { createHash } from 'node:crypto';
import type { Clock } from '@atrium/sdk';
import type { Market } from './calls/types.ts';

/** A machine type in a zone at a price kind: what capacity is had or not had by. */
export interface Rung {
  type: string;
  zone: string;
  market: Market;
}

/** How long something that was not to be had is not asked for again; the time Karpenter uses, too. */
const FORGET_MS = 3 * 60_000;

/** What was not to be had in the last minutes, in this hub. Losing it costs one refused call. */
export interface CapacityMemory {
  note(rung: Rung): void;
  /** When it may be tried again, ms; undefined when it may be tried now. */
  outUntil(rung: Rung): number | undefined;
  /** How many refusals a zone has had lately. */
  misses(zone: string): number;
}

export function capacityMemory(clock: Clock): CapacityMemory {
  const out = new Map<string, { until: number; zone: string }>();
  const key = ({ type, zone, market }: Rung) => `${type} ${zone} ${market}`;
  const forget = () => {
    const now = clock.now();
    for (const [name, { until }] of out) if (until <= now) out.delete(name);
  };
  return {
    note(rung) {
      out.set(key(rung), { until: clock.now() + FORGET_MS, zone: rung.zone });
    },
    outUntil(rung) {
      forget();
      return out.get(key(rung))?.until;
    },
    misses(zone) {
      forget();
      return [...out.values()].filter((one) => one.zone === zone).length;
    },
  };
}

/** What the rungs of one start are made of. */
export interface LadderInput {
  types: readonly string[];
  market: Market;
  spotFallback: boolean;
  zones: readonly string[];
  /** Zone of an existing home: no other will do. */
  pinned?: string | undefined;
  /** Spreads people over zones, the same way each time. */
  serverId: string;
}

/**
 * What to try, in order: the preferred type in every zone that will do, then the next type; on-demand machines after all
 * spot ones. A home pins its zone; otherwise the zone with the fewest refusals lately comes first, then by turns.
 */
export function rungs(input: LadderInput, memory: CapacityMemory): Rung[] {
  const zones = input.pinned === undefined ? zonesInTurn(input.zones, input.serverId, memory) : [input.pinned];
  const markets: Market[] =
    input.market === 'spot' ? (input.spotFallback ? ['spot', 'on-demand'] : ['spot']) : ['on-demand'];
  return markets.flatMap((market) => input.types.flatMap((type) => zones.map((zone) => ({ type, zone, market }))));
}

/** The order in which this server tries zones. */
export function zonesInTurn(zones: readonly string[], serverId: string, memory: CapacityMemory): string[] {
  const first = createHash('sha256').update(serverId).digest().readUInt32BE() % zones.length;
  const order = [...zones.slice(first), ...zones.slice(0, first)];
  return order.toSorted((a, b) => memory.misses(a) - memory.misses(b));
}

/** The first rung that was not refused lately, or when the earliest of them may be tried again. */
export function nextRung(ladder: readonly Rung[], memory: CapacityMemory): { rung: Rung } | { retryAt: number } {
  let retryAt = Number.POSITIVE_INFINITY;
  for (const rung of ladder) {
    const until = memory.outUntil(rung);
    if (until === undefined) return { rung };
    retryAt = Math.min(retryAt, until);
  }
  return { retryAt };
}

/** Token of one attempt: another for every attempt and every rung, the same whenever this attempt is repeated. */
export function launchToken(
  cluster: string,
  server: string,
  generation: number,
  attempt: number,
  { zone, type, market }: Rung,
): string {
  const text = JSON.stringify([cluster, server, generation, attempt, zone, type, market]);
  return `atrium-${createHash('sha256').update(text).digest('hex').slice(0, 48)}`;
}
