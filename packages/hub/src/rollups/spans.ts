import { atWall, dayAt, wallAt } from '../calendar/zone.ts';
import type { HubConfig } from '../config/schema.ts';

export type Step = 'hour' | 'day';

export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Whose days and hours are counted. */
export function zoneOf({ charts }: Pick<HubConfig, 'charts'>): string {
  return charts.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** When the hour or day of a time began, on the zone's clock. An hour that comes twice is two. */
export function startOf(step: Step, at: number, zone: string): number {
  if (step === 'day') return atWall(dayAt(at, zone), zone);
  const offset = wallAt(at, zone) - at;
  return Math.floor((at + offset) / HOUR_MS) * HOUR_MS - offset;
}

/** When the next one begins: days are not all of one length. */
export function nextOf(step: Step, start: number, zone: string): number {
  if (step === 'hour') return startOf('hour', start + HOUR_MS, zone);
  return atWall(dayAt(start, zone) + DAY_MS, zone);
}

/** Begins of all hours or days that have a part of this stretch. */
export function startsWithin(step: Step, since: number, until: number, zone: string): number[] {
  const starts: number[] = [];
  for (let start = startOf(step, since, zone); start < until; start = nextOf(step, start, zone)) starts.push(start);
  return starts;
}
