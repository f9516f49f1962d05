const DAY = 86_400_000;

/** From, and until but not with. ms since the epoch. */
export interface Period {
  from: number;
  to: number;
}

/** The calendar month (UTC) that holds this time; `offset` months later. */
export function monthOf(at: number, offset = 0): Period {
  const date = new Date(at);
  const month = (more: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset + more, 1);
  return { from: month(0), to: month(1) };
}

/** The week from Monday 00:00 to Monday 00:00 (UTC) that holds this time. */
export function weekOf(at: number): Period {
  const midnight = at - (((at % DAY) + DAY) % DAY);
  const from = midnight - ((new Date(midnight).getUTCDay() + 6) % 7) * DAY;
  return { from, to: from + 7 * DAY };
}

/** `2026-11` */
export function monthName(period: Period): string {
  return new Date(period.from).toISOString().slice(0, 7);
}

/** Year and month. */
export const MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/;

/** The month of `2026-11`; undefined for any other text. */
export function parseMonth(text: string | undefined): Period | undefined {
  const match = MONTH.exec(text ?? '');
  return match ? monthOf(Date.UTC(Number(match[1]), Number(match[2]) - 1, 1)) : undefined;
}
