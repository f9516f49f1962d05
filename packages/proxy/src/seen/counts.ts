import { UPSTREAM_TIMES_MS } from '@atrium/sdk';
import type { Target } from '../route-table.ts';

/** Who answers: the hub, somebody's server, a service, a target of a proxy that stands alone, or the proxy itself. */
export const CLASSES = ['hub', 'server', 'service', 'target', 'proxy'] as const;
export type RouteClass = (typeof CLASSES)[number];

const HUB = 0;
const SERVER = 1;
const SERVICE = 2;
const TARGET = 3;
/** The proxy's own class, as a number. */
export const OWN = 4;

/** Of what leads to `target`; a place in `CLASSES`, because every request asks. */
export function classOf(target: Target, standAlone: boolean): number {
  if (standAlone) return TARGET;
  if (target.address === undefined) return HUB;
  return target.serverId === undefined ? SERVICE : SERVER;
}

/** Any status that an answer may have is below. */
const STATUSES = 1000;
/** Reasons are the parser's own words; should one ever hold what a client sent, memory stays bounded. */
const MOST_REASONS = 64;

/** How long something took, as a histogram. */
export interface Times {
  /** How often, for each of `UPSTREAM_TIMES_MS` and beyond; each time is in one of them. */
  counts: number[];
  sumMs: number;
}

/** What is counted since the start, as it is told to the hub. */
export interface CountsSoFar {
  requests: number;
  refused: number;
  /** `refused` by reason. */
  reasons: Record<string, number>;
  /** Problems that the proxy had to tell a client by itself, by status. */
  problems: Record<number, number>;
  /** Answers by who made them and status; status 0 is for requests whose client left before there was an answer. */
  answers: Partial<Record<RouteClass, Record<number, number>>>;
  /** From a request to the head of its answer. */
  upstream: Partial<Record<RouteClass, Times>>;
}

/** Counts of the data path. To count costs a few array accesses; to read them is for whoever asks now and then. */
export class Counts {
  requests = 0;
  refused = 0;
  readonly problems: Record<number, number> = {};
  /** Of client connections that are closed. */
  bytesIn = 0;
  bytesOut = 0;
  readonly #reasons = new Map<string, number>();
  readonly #answers = new Float64Array(CLASSES.length * STATUSES);
  readonly #times = new Float64Array(CLASSES.length * (UPSTREAM_TIMES_MS.length + 1));
  readonly #sums = new Float64Array(CLASSES.length);

  /** An answer of the proxy's own, or none at all (status 0). */
  answered(kind: number, status: number): void {
    this.#answers[kind * STATUSES + status]!++;
  }

  /** The head of an answer came `ms` after its request. */
  passedOn(kind: number, status: number, ms: number): void {
    this.#answers[kind * STATUSES + status]!++;
    let at = 0;
    while (at < UPSTREAM_TIMES_MS.length && ms > UPSTREAM_TIMES_MS[at]!) at++;
    this.#times[kind * (UPSTREAM_TIMES_MS.length + 1) + at]!++;
    this.#sums[kind]! += ms;
  }

  problem(status: number): void {
    this.problems[status] = (this.problems[status] ?? 0) + 1;
  }

  /** A request that is passed on to nobody. */
  refuse(reason: string): void {
    this.refused++;
    const known = this.#reasons.get(reason);
    if (known !== undefined || this.#reasons.size < MOST_REASONS) this.#reasons.set(reason, (known ?? 0) + 1);
  }

  soFar(): CountsSoFar {
    const answers: CountsSoFar['answers'] = {};
    const upstream: CountsSoFar['upstream'] = {};
    for (const [kind, name] of CLASSES.entries()) {
      const some: Record<number, number> = {};
      for (let status = 0; status < STATUSES; status++) {
        const n = this.#answers[kind * STATUSES + status]!;
        if (n > 0) some[status] = n;
      }
      if (Object.keys(some).length > 0) answers[name] = some;
      const from = kind * (UPSTREAM_TIMES_MS.length + 1);
      const counts = [...this.#times.subarray(from, from + UPSTREAM_TIMES_MS.length + 1)];
      if (counts.some((n) => n > 0)) upstream[name] = { counts, sumMs: this.#sums[kind]! };
    }
    const { requests, refused, problems } = this;
    const reasons = Object.fromEntries(this.#reasons);
    return { requests, refused, reasons, problems: { ...problems }, answers, upstream };
  }
}
