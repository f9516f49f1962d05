/** How many copies are kept. */
export interface Retention {
  daily: number;
  weekly: number;
}

const DAY_MS = 86_400_000;
/** 1 January 1970 was a Thursday; weeks begin on Monday. */
const MONDAY_MS = 3 * DAY_MS;

/**
 * Which of one home's snapshots go: of each of the last `daily` days that have any, and of each of the last `weekly`
 * weeks before those, the newest is kept; the very newest always is. `at` in ms, days are UTC.
 */
export function superfluous<T extends { at: number }>(snapshots: readonly T[], { daily, weekly }: Retention): T[] {
  const newestFirst = snapshots.toSorted((a, b) => b.at - a.at);
  const kept = new Set<T>(newestFirst.slice(0, 1));
  const days = newestOfEach(newestFirst, ({ at }) => Math.floor(at / DAY_MS)).slice(0, daily);
  for (const one of days) kept.add(one);
  const oldestDay = days.at(-1)?.at ?? Number.POSITIVE_INFINITY;
  const older = newestFirst.filter(({ at }) => at < oldestDay);
  const weekOf = ({ at }: T) => Math.floor((at + MONDAY_MS) / (7 * DAY_MS));
  // A week that a daily copy stands for already needs none of its own.
  const covered = new Set(days.map(weekOf));
  for (const one of newestOfEach(
    older.filter((snapshot) => !covered.has(weekOf(snapshot))),
    weekOf,
  ).slice(0, weekly))
    kept.add(one);
  return newestFirst.filter((one) => !kept.has(one));
}

function newestOfEach<T>(newestFirst: readonly T[], groupOf: (one: T) => number): T[] {
  const groups = new Map<number, T>();
  for (const one of newestFirst) if (!groups.has(groupOf(one))) groups.set(groupOf(one), one);
  return [...groups.values()];
}
