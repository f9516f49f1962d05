import { z } from 'zod';
import { Duration } from './duration.ts';

/** `mon` … `sun`, in the order of `Date.prototype.getUTCDay`. */
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const ClockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write a time of day such as "09:00"');
const Day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'Write a day as "2026-11-21"')
  .refine((text) => {
    const at = Date.parse(`${text}T00:00:00Z`);
    return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
  }, 'There is no such day');
export const TimeZone = z.string().refine((name) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}, 'Write a time zone such as "Europe/Zurich"');

/** One weekly lesson. */
export const Lesson = z
  .strictObject({
    name: z.string().min(1).max(80).optional().describe('Shown to people; without it, the group.'),
    group: z.string().min(1).optional().describe('Whose servers are started: the members of this group.'),
    users: z.array(z.string().min(1)).default([]).describe('Whose servers are started, beside the group.'),
    days: z.array(z.enum(DAYS)).min(1).describe('On which days of the week.'),
    start: ClockTime.describe('When it begins, by the clock on the wall of the time zone.'),
    end: ClockTime.describe('When it ends; an earlier time than `start` is on the next day.'),
    timeZone: TimeZone.describe('Whose clock, such as "Europe/Zurich".'),
    from: Day.optional().describe('The first day.'),
    until: Day.optional().describe('The last day.'),
    startBefore: Duration.prefault('10m').describe('How long before it begins servers are started.'),
    stopUnusedAfter: Duration.prefault('20m').describe(
      'How long after it began a server that nobody opened is stopped again; 0 for never.',
    ),
    profile: z.string().min(1).optional().describe('Which profile is started; without it, each person’s last one.'),
    server: z.string().default('').describe("Which server of theirs; '' for the default one."),
    spares: z
      .record(z.string(), z.int().nonnegative())
      .default({})
      .describe('How many spare machines of each profile are kept ready for it.'),
  })
  .refine((lesson) => lesson.group !== undefined || lesson.users.length > 0 || Object.keys(lesson.spares).length > 0, {
    message: 'Name a group, users or spares',
  })
  .refine((lesson) => lesson.start !== lesson.end, { message: 'It ends when it begins', path: ['end'] })
  .refine((lesson) => !lesson.from || !lesson.until || lesson.from <= lesson.until, {
    message: 'It ends before it begins',
    path: ['until'],
  });

/** One weekly lesson, complete; durations in seconds. */
export type LessonRule = z.output<typeof Lesson>;
