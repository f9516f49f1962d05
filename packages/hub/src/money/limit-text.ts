import { once } from '../once.ts';

const number = (options: Intl.NumberFormatOptions) => once(() => new Intl.NumberFormat('en-US', options));
const dollars = number({ style: 'currency', currency: 'USD' });
const fine = number({ style: 'currency', currency: 'USD', minimumFractionDigits: 4 });
const count = number({ maximumFractionDigits: 1 });
const small = number({ maximumFractionDigits: 2 });
const day = once(
  () => new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' }),
);

/** `$12.40`; under ten cents with four digits, because prices per hour are that small. */
export function amount(value: number): string {
  return value !== 0 && Math.abs(value) < 0.1 ? fine().format(value) : dollars().format(value);
}

/** `12`, `12.5`; below an hour with two digits, because a short start is some minutes. */
export function hoursText(hours: number): string {
  return hours > 0 && hours < 1 ? small().format(hours) : count().format(hours);
}

/** `12 hours`, `1 hour`, `2 minutes`. */
export function timeText(hours: number): string {
  const minutes = Math.max(1, Math.round(hours * 60));
  if (hours > 0 && minutes < 60) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  const text = count().format(hours);
  return text === '1' ? '1 hour' : `${text} hours`;
}

/** Sentences about limits, for the person. The day is the first on which it counts anew, UTC. */
export const limitText = {
  unknownPrice: () =>
    'The price of this is not known, and your use of money is limited. Choose another one, or ask your administrator to state its price.',
  tooDear: (perHour: string, most: string) => `This costs ${perHour} an hour; you may use up to ${most} an hour.`,
  servers: (most: number) =>
    most === 1
      ? 'You may have 1 server on at a time. Stop the other one first.'
      : `You may have ${most} servers on at a time. Stop one of them first.`,
  hours: (used: string, limit: string, renews: number) =>
    `You have used ${used} of your ${limit} hours this week, and a start needs an hour. They are yours again on ${day().format(renews)}.`,
  money: (used: string, limit: string, renews: number) =>
    `You have used ${used} of your ${limit} this month, and a start needs an hour's money. It is yours again on ${day().format(renews)}.`,
  hoursSoon: (used: string, limit: string, renews: number) =>
    `You have used ${used} of your ${limit} hours this week. They are yours again on ${day().format(renews)}.`,
  moneySoon: (used: string, limit: string, renews: number) =>
    `You have used ${used} of your ${limit} this month. It is yours again on ${day().format(renews)}.`,
} as const;
