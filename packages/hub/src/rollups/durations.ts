/** Upper ends of what starts are counted by, seconds; what took longer is one more. */
export const BOUNDS = [0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600] as const;

/** How many starts took how long. */
export interface Bucket {
  /** Seconds; null: longer than all others. */
  le: number | null;
  count: number;
}

/** Of a distribution: the upper end of the bucket in which this share of all lies; null without any, or beyond the last. */
export function quantile(histogram: readonly Bucket[], share: number): number | null {
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { le, count } of histogram) {
    seen += count;
    if (total > 0 && seen >= total * share) return le;
  }
  return null;
}
