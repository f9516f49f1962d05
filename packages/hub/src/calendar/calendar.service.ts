import { HubError } from '@atrium/sdk';
import { lastWorkOf } from '../activity/idle.service.ts';
import type { AppContext } from '../context.ts';
import { holdLease } from '../db/leases.repo.ts';
import {
  findServer,
  findServerById,
  isActive,
  isReady,
  requestStart,
  requestStop,
  type Server,
} from '../servers/servers.service.ts';
import { listUsers, type User } from '../users/users.service.ts';
import {
  deleteLessonStartsBefore,
  insertLessonStart,
  type LessonStart,
  listLessonStarts,
  updateLessonStart,
} from './calendar.repo.ts';
import { type Lesson, lessonName, lessonsBetween, sparesAt } from './lessons.ts';

export { type Lesson, lessonName } from './lessons.ts';

const EVERY_MS = 30_000;
const LEASE_MS = 90_000;
const DAY_MS = 86_400_000;
/** How long is remembered what a lesson started. */
const REMEMBERED_MS = 30 * DAY_MS;
/** A request this soon after the start is the hub's own question whether it answers, not a person. */
const OPENED_AFTER_MS = 30_000;

/** How many spare machines of each profile the calendar wants now. */
export function wantedSpares(ctx: Pick<AppContext, 'config' | 'clock'>): Record<string, number> {
  return sparesAt(ctx.config.calendar, ctx.clock.now());
}

/** Keeps the calendar until the signal; of several hubs, one does. */
export async function watchCalendar(ctx: AppContext, signal: AbortSignal): Promise<void> {
  if (ctx.config.calendar.length === 0) return;
  while (!signal.aborted) {
    await keepCalendar(ctx).catch((err) => {
      if (!signal.aborted) ctx.log.error({ err }, 'could not keep the calendar; trying again');
    });
    await ctx.clock.sleep(EVERY_MS, signal).catch(() => {});
  }
}

/** One look: starts for what is near, stops of what nobody opened. False when another hub does it. */
export async function keepCalendar(ctx: AppContext): Promise<boolean> {
  const now = ctx.clock.now();
  if (!(await holdLease(ctx.db, 'calendar', ctx.instanceId, now, now + LEASE_MS))) return false;
  // A lesson that is over may still have unused servers: a hub that was away sees to them.
  const lessons = lessonsBetween(ctx.config.calendar, now - DAY_MS, now + 1);
  const done = await listLessonStarts(
    ctx.db,
    lessons.map(({ key }) => key),
  );
  for (const lesson of lessons) {
    const rows = done.filter((row) => row.lesson === lesson.key);
    if (now >= lesson.startServersAt && now < lesson.end && !stoppedAgain(lesson, now)) {
      await startFor(ctx, lesson, rows);
    }
    if (lesson.stopUnusedAt !== null && now >= lesson.stopUnusedAt) await stopUnused(ctx, rows);
  }
  await deleteLessonStartsBefore(ctx.db, now - REMEMBERED_MS);
  return true;
}

/** What would be started now would at once count as unused. */
function stoppedAgain({ stopUnusedAt }: Lesson, now: number): boolean {
  return stopUnusedAt !== null && now >= stopUnusedAt;
}

/** Who a lesson is for: accounts that exist and may come in. */
export async function membersOf(ctx: AppContext, { rule }: Lesson): Promise<User[]> {
  if (rule.group === undefined && rule.users.length === 0) return [];
  const groups = rule.group === undefined ? [] : [rule.group];
  const { users } = await listUsers(ctx.db, { names: rule.users, groups, pending: false, sort: 'name' });
  return users.filter(({ blocked }) => !blocked);
}

async function startFor(ctx: AppContext, lesson: Lesson, rows: readonly LessonStart[]): Promise<void> {
  const seen = new Map(rows.map((row) => [row.userId, row]));
  for (const user of await membersOf(ctx, lesson)) {
    const row = seen.get(user.id);
    if (row === undefined) await startOne(ctx, lesson, user);
    else if (row.state === 'started' && row.serverId === null) await resume(ctx, lesson, user, row);
  }
}

/** The row first, with the number of the start that it is about to ask for: after a crash it is known whose that is. */
async function startOne(ctx: AppContext, lesson: Lesson, user: User): Promise<void> {
  const { server: serverName } = lesson.rule;
  const known = await findServer(ctx.db, user.id, serverName);
  const on = known !== undefined && isActive(known) && known.desired === 'running';
  const row: LessonStart = {
    lesson: lesson.key,
    userId: user.id,
    serverName,
    serverId: on ? known.id : null,
    generation: (known?.generation ?? 0) + (on ? 0 : 1),
    state: on ? 'found' : 'started',
    at: ctx.clock.now(),
  };
  if ((await insertLessonStart(ctx.db, row)) && !on) await ask(ctx, lesson, user, row);
}

/** A hub wrote the row and went before it could say how that ended. */
async function resume(ctx: AppContext, lesson: Lesson, user: User, row: LessonStart): Promise<void> {
  const known = await findServer(ctx.db, user.id, row.serverName);
  // That start, or a later one, was made: it has been seen to. What it was for is known by its number.
  if (known && known.generation >= row.generation) return updateLessonStart(ctx.db, row, { serverId: known.id });
  await ask(ctx, lesson, user, row);
}

async function ask(ctx: AppContext, lesson: Lesson, user: User, row: LessonStart): Promise<void> {
  const { profile } = lesson.rule;
  const before = await findServer(ctx.db, user.id, row.serverName);
  const userOptions = profile === undefined ? undefined : { ...before?.userOptions, profile };
  try {
    const server = await requestStart(ctx, user, row.serverName, { by: 'calendar', userOptions });
    await updateLessonStart(ctx.db, row, { serverId: server.id });
    ctx.log.info({ server: server.id, user: user.name, lesson: lessonName(lesson.rule) }, 'started for a lesson');
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    // A limit, a full hub, a stop under way. One person's trouble is not everybody's: the others are started.
    if (['server_pending', 'too_many_starts', 'too_many_servers'].includes(error.code)) return;
    await updateLessonStart(ctx.db, row, { state: 'refused' });
    ctx.log.warn({ user: user.name, lesson: lessonName(lesson.rule), code: error.code }, error.message);
  }
}

async function stopUnused(ctx: AppContext, rows: readonly LessonStart[]): Promise<void> {
  for (const row of rows.filter(({ state }) => state === 'started')) {
    const server = row.serverId === null ? undefined : await findServerById(ctx.db, row.serverId);
    if (server?.generation === row.generation && isActive(server)) {
      // Still starting: looked at again when it runs.
      if (!isReady(server)) continue;
      const used = await wasUsed(ctx, server);
      if (used === undefined) continue;
      if (!used) await requestStop(ctx, server, { code: 'unused', by: 'calendar' });
    }
    await updateLessonStart(ctx.db, row, { state: 'over' });
  }
}

/** Somebody opened it, worked in it, or asked that it stays on. Undefined when the server does not say. */
async function wasUsed(ctx: AppContext, server: Server): Promise<boolean | undefined> {
  const started = server.startedAt ?? 0;
  if (server.keepOnUntil !== null) return true;
  if ((server.lastWork ?? 0) > started || (server.lastActivity ?? 0) > started + OPENED_AFTER_MS) return true;
  const worked = await lastWorkOf(ctx, server);
  return worked === undefined ? undefined : worked > started;
}

/** One lesson to come, as the page shows it. */
export interface ComingLesson extends Lesson {
  people: number;
  /** How many servers it has started, found on, been refused. Zeros before its time. */
  started: number;
  found: number;
  refused: number;
}

/** Lessons of the days to come, and of now. */
export async function comingLessons(ctx: AppContext, days = 14): Promise<ComingLesson[]> {
  const now = ctx.clock.now();
  const lessons = lessonsBetween(ctx.config.calendar, now, now + days * DAY_MS).filter(({ end }) => end > now);
  const rows = await listLessonStarts(
    ctx.db,
    lessons.map(({ key }) => key),
  );
  const people = new Map<object, number>();
  for (const lesson of lessons) {
    if (!people.has(lesson.rule)) people.set(lesson.rule, (await membersOf(ctx, lesson)).length);
  }
  return lessons.map((lesson) => {
    const own = rows.filter((row) => row.lesson === lesson.key);
    const count = (...states: LessonStart['state'][]) => own.filter(({ state }) => states.includes(state)).length;
    return {
      ...lesson,
      people: people.get(lesson.rule) ?? 0,
      started: count('started', 'over'),
      found: count('found'),
      refused: count('refused'),
    };
  });
}
