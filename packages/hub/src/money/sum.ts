import type { Period } from './period.ts';

const SECOND = 1000;
/** Thousands of a billionth of a dollar and hour per dollar: nano × ms per hour. */
const PER_DOLLAR = 1_000_000_000n * 3_600_000n;

/** What adding up needs of a ledger row. */
export interface Stretch {
  kind: string;
  nanoPerHour: number | null;
  since: number;
  until: number | null;
  minimumMs: number;
}

/** What a set of ledger rows comes to. */
export interface Total {
  /** Without what has no price. */
  dollars: number;
  /** Hours that servers ran. */
  hours: number;
  /** How many things had no known price, and how long they ran together. */
  unknown: { count: number; hours: number };
}

/** How long this counts within the period, ms: by the second, rounded up, and at least its minimum. */
export function countedMs({ since, until, minimumMs }: Stretch, period: Period, now: number): number {
  const end = Math.max(since, until ?? now);
  const length = Math.max(minimumMs, Math.ceil((end - since) / SECOND) * SECOND);
  return Math.max(0, Math.min(since + length, period.to) - Math.max(since, period.from));
}

/** Adds up exactly: integers to the end, so that the order of rows makes no difference. */
export function totalOf(stretches: Iterable<Stretch>, period: Period, now: number): Total {
  let nanoMs = 0n;
  let runMs = 0;
  let unknownMs = 0;
  let count = 0;
  for (const stretch of stretches) {
    const ms = countedMs(stretch, period, now);
    if (ms === 0) continue;
    if (stretch.kind === 'run') runMs += ms;
    else if (stretch.nanoPerHour === null) {
      unknownMs += ms;
      count += 1;
    } else nanoMs += BigInt(stretch.nanoPerHour) * BigInt(ms);
  }
  return {
    dollars: dollarsOf(nanoMs),
    hours: runMs / 3_600_000,
    unknown: { count, hours: unknownMs / 3_600_000 },
  };
}

/** Whole dollars and the rest apart: a float of the sum of a big cluster would lose the cents. */
function dollarsOf(nanoMs: bigint): number {
  return Number(nanoMs / PER_DOLLAR) + Number(nanoMs % PER_DOLLAR) / Number(PER_DOLLAR);
}
