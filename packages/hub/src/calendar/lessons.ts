import { createHash } from 'node:crypto';
import { DAYS, type LessonRule } from '../config/calendar-schema.ts';
import { atWall, dayAt } from './zone.ts';

const DAY_MS = 86_400_000;

/** One lesson on one day. */
export interface Lesson {
  /** Names it for ever: what it is for, when it begins, and its day. Another end or profile is the same lesson. */
  key: string;
  rule: LessonRule;
  /** `2026-11-23`, by the wall of its zone. */
  day: string;
  /** ms since the epoch. */
  start: number;
  end: number;
  /** When servers are started. */
  startServersAt: number;
  /** When unused ones are stopped; null for never. */
  stopUnusedAt: number | null;
}

/** What a lesson is called. */
export function lessonName(rule: LessonRule): string {
  return rule.name ?? rule.group ?? rule.users.join(', ');
}

/** Lessons whose time, from starting servers to their end, touches the span; in order. */
export function lessonsBetween(rules: readonly LessonRule[], from: number, to: number): Lesson[] {
  const twins = new Map<string, number>();
  return rules
    .flatMap((rule) => {
      const { name, group, users, server, days, start } = rule;
      const text = JSON.stringify([name ?? null, group ?? null, users, server, days, start]);
      const nth = twins.get(text) ?? 0;
      twins.set(text, nth + 1);
      const id = createHash('sha256').update(`${text}#${nth}`).digest('hex').slice(0, 16);
      return occurrences(rule, id, from, to);
    })
    .toSorted((a, b) => a.start - b.start || a.key.localeCompare(b.key));
}

function occurrences(rule: LessonRule, id: string, from: number, to: number): Lesson[] {
  const found: Lesson[] = [];
  const first = dayAt(from, rule.timeZone) - 2 * DAY_MS;
  const last = dayAt(to, rule.timeZone) + DAY_MS + Math.ceil((rule.startBefore * 1000) / DAY_MS) * DAY_MS;
  for (let midnight = first; midnight <= last; midnight += DAY_MS) {
    const day = new Date(midnight).toISOString().slice(0, 10);
    const weekday = DAYS[new Date(midnight).getUTCDay()];
    if (!weekday || !rule.days.includes(weekday)) continue;
    if ((rule.from && day < rule.from) || (rule.until && day > rule.until)) continue;
    const start = atWall(midnight + minutesOf(rule.start), rule.timeZone);
    const nextDay = rule.end < rule.start ? DAY_MS : 0;
    const end = atWall(midnight + nextDay + minutesOf(rule.end), rule.timeZone);
    const startServersAt = start - rule.startBefore * 1000;
    const stopUnusedAt = rule.stopUnusedAfter > 0 ? start + rule.stopUnusedAfter * 1000 : null;
    if (startServersAt < to && Math.max(end, stopUnusedAt ?? 0) > from) {
      found.push({ key: `${id}@${day}`, rule, day, start, end, startServersAt, stopUnusedAt });
    }
  }
  return found;
}

function minutesOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000;
}

/** How many spares of each profile lessons want at a time: those at the same time add up. */
export function sparesAt(rules: readonly LessonRule[], now: number): Record<string, number> {
  const wanted: Record<string, number> = {};
  for (const { rule, startServersAt, end } of lessonsBetween(rules, now, now + 1)) {
    if (now < startServersAt || now >= end) continue;
    for (const [profile, count] of Object.entries(rule.spares)) wanted[profile] = (wanted[profile] ?? 0) + count;
  }
  return wanted;
}
