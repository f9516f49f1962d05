/** Amounts are US dollars, times ms since the epoch. `null` is "not known", never "free". */

/** What a start of one spec costs while it runs. */
export interface Price {
  /** Per hour that it runs; null when it is not known: a money limit then refuses it. */
  perHour: number | null;
  /** Day the figure was read, `2026-11-01`; absent when the operator stated it. */
  asOf?: string;
}

/**
 * One stretch of time in which one thing costs money at one rate. Reported again and again while it grows; the ledger
 * keeps one row per `key`.
 */
export interface Meter {
  /** The same for the same thing and stretch, for ever: `i-0abc@1763718000000`, `vol-0abc@…`. */
  key: string;
  kind: 'compute' | 'disk' | 'snapshot' | 'address';
  /** What it is, for the person who pays: `t3.medium`, `10 GB home`. */
  what: string;
  /** Whose it is; neither for what is everybody's (a spare). */
  serverId?: string;
  user?: string;
  perHour: number | null;
  since: number;
  /** When it ended; absent while it runs. */
  until?: number;
  /** It costs at least this long, ms. */
  minimumMs?: number;
}
