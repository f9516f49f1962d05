import { once } from '../once.ts';
import { type Html, html } from './html.ts';
import { t } from './strings.ts';

const SECOND = 1000;
const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400 * SECOND],
  ['hour', 3600 * SECOND],
  ['minute', 60 * SECOND],
  ['second', SECOND],
];

const relative = once(() => new Intl.RelativeTimeFormat('en', { numeric: 'auto' }));
const exact = once(() => new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }));

/** `3 minutes ago`, `in 2 days`, `now`. Rounded towards now, so that nothing seems longer ago than it is. */
export function relativeTime(at: number, now: number): string {
  const distance = at - now;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(distance) >= step) ?? ['second', SECOND];
  return relative().format(Math.trunc(distance / size), unit);
}

/** `2 h 5 min`, `40 s`: a length of time in at most two units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return t.time.length(0, 's');
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => t.time.length(count, unit))
    .join(' ');
}

/** Relative in words, exact on hover; the script puts the title into the reader's own time zone. */
export function time(at: number, now: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}" title="${t.time.utc(exact().format(at))}">${relativeTime(at, now)}</time>`;
}

/** The exact time, which the script puts into the reader's own time zone. */
export function exactTime(at: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}" data-exact>${t.time.utc(exact().format(at))}</time>`;
}
