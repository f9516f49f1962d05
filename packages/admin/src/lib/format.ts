const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' });
const number = new Intl.NumberFormat('en');

/** `3 minutes ago`, `in 2 days`: rounded towards now, so that nothing seems longer ago than it is. */
export function relativeTime(at: number, now: number): string {
  const distance = (at - now) / 1000;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(distance) >= step) ?? ['second', 1];
  return relative.format(Math.trunc(distance / size), unit);
}

/** In the reader's own time zone. */
export const exactTime = (at: number): string => exact.format(at);

/** `2 h 5 min`, `40 s`, `0.5 s`: at most two units. */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 10 && !Number.isInteger(seconds)) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.max(0, Math.round(seconds));
  const parts = (
    [
      [Math.floor(whole / 86_400), 'd'],
      [Math.floor((whole % 86_400) / 3600), 'h'],
      [Math.floor((whole % 3600) / 60), 'min'],
      [whole % 60, 's'],
    ] as const
  ).map(([count, unit]) => ({ count, text: `${count} ${unit}` }));
  const first = parts.findIndex(({ count }) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(({ count }) => count > 0)
    .map(({ text }) => text)
    .join(' ');
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `1.2 GB`, in powers of 1,024 as memory is sold. */
export function bytes(count: number): string {
  const step = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, count)) / 10)));
  const value = count / 1024 ** step;
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[step]}`;
}

export const count = (value: number): string => number.format(value);

/** What a field for date and time takes, in the reader's own time zone. */
export function localInput(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
