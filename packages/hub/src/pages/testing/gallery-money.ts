import type { ComingLesson } from '../../calendar/calendar.service.ts';
import { Lesson } from '../../config/calendar-schema.ts';
import type { LimitState } from '../../money/limits.service.ts';
import { monthOf, weekOf } from '../../money/period.ts';
import { daysOf, linesBy } from '../../money/report.ts';
import { totalOf } from '../../money/sum.ts';
import type { OwnStorage } from '../../storage/own-storage.service.ts';
import type { Html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import type { ServerView } from '../server-view.ts';
import { calendarPage } from '../templates/calendar.ts';
import { choosePage } from '../templates/choose.ts';
import { costsPage } from '../templates/costs.ts';
import { groupsPage } from '../templates/groups.ts';
import { busyPage } from '../templates/stay.ts';
import { storagePage } from '../templates/storage.ts';
import { usagePage } from '../templates/usage.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What somebody used who is at four fifths of their hours. */
export function someUse(now: number): LimitState {
  return {
    limits: { dollarsPerMonth: 25, hoursPerWeek: 40, concurrentServers: 1, maxPerHour: 0.5 },
    month: monthOf(now),
    week: weekOf(now),
    dollars: 12.4,
    hours: 33,
    unknown: 1,
  };
}

/** A server that its owner has to look at: it stops soon, and others are kept on or can be. */
export function stays(now: number): Record<'ending' | 'kept' | 'free', NonNullable<ServerView['stay']>> {
  const choices = [HOUR / 1000, (4 * HOUR) / 1000];
  return {
    ending: { ending: { at: now + 290_000, why: 'idle' }, keptUntil: null, choices },
    kept: { ending: undefined, keptUntil: now + 3 * HOUR, choices },
    free: { ending: undefined, keptUntil: null, choices },
  };
}

function lessons(now: number, text: string): ComingLesson[] {
  const rule = Lesson.parse({
    name: text,
    group: 'physics',
    days: ['mon'],
    start: '09:00',
    end: '11:00',
    timeZone: 'Europe/Zurich',
    profile: text,
    spares: { small: 3 },
  });
  const lesson = {
    key: 'a',
    rule,
    day: '2026-11-21',
    start: now - 300_000,
    end: now + 2 * HOUR,
    startServersAt: now - 900_000,
    stopUnusedAt: now + 900_000,
    people: 31,
    started: 28,
    found: 2,
    refused: 1,
  };
  const later = { start: now + 7 * DAY, startServersAt: now + 7 * DAY - 600_000, started: 0, found: 0, refused: 0 };
  return [lesson, { ...lesson, ...later, key: 'b', stopUnusedAt: null, rule: { ...rule, profile: undefined } }];
}

function ledger(now: number, text: string) {
  return Array.from({ length: 60 }, (_, at) => ({
    key: `${at}`,
    source: 'hub' as const,
    kind: at % 3 === 0 ? 'run' : at % 7 === 0 ? 'disk' : 'compute',
    what: 't3.medium',
    serverId: 's',
    serverName: '',
    userName: at % 5 === 0 ? text : ['ada', 'emmy', null][at % 3]!,
    groups: at % 4 === 0 ? [] : ['physics'],
    nanoPerHour: at % 11 === 0 ? null : 41_600_000 * ((at % 4) + 1),
    since: monthOf(now).from + ((at * 7) % 20) * DAY + 9 * HOUR,
    until: monthOf(now).from + ((at * 7) % 20) * DAY + (11 + (at % 6)) * HOUR,
    minimumMs: 0,
  }));
}

/** Pages of money, calendar and storage with made-up contents. */
export function moneyPages(
  ctx: PageContext,
  { xsrf, now, text }: { xsrf: string; now: number; text: string },
): Record<string, [{ title: string; current?: 'admin'; wide?: boolean }, Html]> {
  const entries = ledger(now, text);
  const period = monthOf(now);
  const months = { previous: '2026-10', next: '2026-12' };
  const figures = { month: 'November 2026', months, total: totalOf(entries, period, now), dollars: true };
  const costs = {
    ctx,
    ...figures,
    monthKey: '2026-11',
    people: linesBy(entries, ({ userName }) => [userName ?? ''], period, now),
    groups: linesBy(entries, ({ groups }) => (groups.length > 0 ? groups : ['']), period, now),
    kinds: linesBy(entries, ({ kind }) => (kind === 'run' ? [] : [kind]), period, now),
    days: daysOf(entries, period, now),
  };
  const storage: OwnStorage = {
    state: 'known',
    name: 'home-ada',
    info: {
      sizeGb: 10,
      tier: 'disk',
      snapshots: [
        { id: 's2', at: now - HOUR, pending: true },
        { id: 's1', at: now - 26 * HOUR, sizeGb: 10 },
      ],
      perMonth: 0.8,
      busy: text,
    },
    can: { restore: true, resize: true, snapshot: true, remove: true },
  };
  const own = { ctx, xsrf, now, name: text };
  return {
    usage: [
      { title: 'Use' },
      usagePage({
        ctx,
        ...figures,
        state: someUse(now),
        lines: linesBy(entries, ({ userName }) => [userName ?? text], period, now),
      }),
    ],
    costs: [{ title: 'Use and money', current: 'admin', wide: true }, costsPage(costs)],
    calendar: [
      { title: 'Calendar', current: 'admin', wide: true },
      calendarPage({ now, configured: true, lessons: lessons(now, text) }),
    ],
    groups: [
      { title: 'Groups', current: 'admin' },
      groupsPage({
        ctx,
        xsrf,
        groups: [
          {
            name: text,
            properties: {},
            members: [
              { name: text, sources: ['administrator'] },
              { name: 'emmy', sources: ['administrator', 'sign-in'] },
            ],
          },
          { name: 'gpu', properties: {}, members: [{ name: 'ada', sources: ['administrator'] }] },
          { name: 'empty', properties: {}, members: [] },
        ],
        error: text,
        typed: { name: text, users: text },
      }),
    ],
    storage: [{ title: 'Storage' }, storagePage({ ...own, storage, error: text, done: text })],
    'storage-archived': [
      { title: 'Storage' },
      storagePage({
        ...own,
        storage: {
          ...storage,
          info: { ...storage.info, tier: 'archived', perMonth: null },
          can: { ...storage.can, remove: false },
        },
      }),
    ],
    change: [
      { title: 'Change' },
      choosePage({
        ctx,
        xsrf,
        label: text,
        choices: {
          all: [
            { id: 'small', title: 'Small', facts: ['2 vCPU', '4 GiB'], perHour: 0.0416 },
            { id: 'big', title: text, facts: ['8 vCPU', '32 GiB'], perHour: 1.5 },
          ],
          fields: [],
          chosen: 'small',
          mustAsk: true,
          remembered: true,
        },
        action: '/hub/change/ada',
        next: undefined,
        running: 'small',
      }),
    ],
    busy: [
      { title: 'Something is running' },
      busyPage({ ctx, xsrf, label: text, work: [text, 'b.ipynb'], action: '/hub/home/stop', fields: { server: '' } }),
    ],
  };
}
