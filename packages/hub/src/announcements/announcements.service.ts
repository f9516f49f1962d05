import { HubError } from '@atrium/sdk';
import { type AuditEntry, audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import * as repo from './announcements.repo.ts';

export { type Announcement, type AnnouncementWords, listAnnouncements } from './announcements.repo.ts';
export { isShown } from './board.ts';

/** A wake-up can be missed, so every hub looks this often anyway, ms. */
const LOOK_MS = 60_000;
/** How long one that is over can still be looked up, ms. */
const KEEP_MS = 30 * 86_400_000;

/** @throws HubError `bad_request` for one that could never be shown. */
export async function createAnnouncement(
  ctx: AppContext,
  words: repo.AnnouncementWords,
  by: string,
): Promise<repo.Announcement> {
  check(words);
  const made = await ctx.db.transaction().execute(async (db) => {
    const announcement = await repo.insertAnnouncement(db, words, { by, now: ctx.clock.now() });
    await audit({ ...ctx, db }, entry('create', announcement));
    return announcement;
  });
  await tellEverybody(ctx);
  return made;
}

/** What is not given stays. @throws HubError `not_found`; `bad_request` for one that could never be shown. */
export async function changeAnnouncement(
  ctx: AppContext,
  id: number,
  change: Partial<repo.AnnouncementWords>,
): Promise<repo.Announcement> {
  const changed = await ctx.db.transaction().execute(async (db) => {
    const before = await repo.findAnnouncement(db, id);
    if (!before) throw gone(id);
    const words = { ...before, ...change };
    check(words);
    const after = await repo.updateAnnouncement(db, id, words);
    if (!after) throw gone(id);
    await audit({ ...ctx, db }, entry('change', after));
    return after;
  });
  await tellEverybody(ctx);
  return changed;
}

/** @throws HubError `not_found`. */
export async function removeAnnouncement(ctx: AppContext, id: number): Promise<void> {
  await ctx.db.transaction().execute(async (db) => {
    const before = await repo.findAnnouncement(db, id);
    if (!before || !(await repo.deleteAnnouncement(db, id))) throw gone(id);
    await audit({ ...ctx, db }, entry('delete', before));
  });
  await tellEverybody(ctx);
}

function check({ startsAt, endsAt }: repo.AnnouncementWords): void {
  if (endsAt !== null && endsAt <= startsAt) {
    throw new HubError('bad_request', 'An announcement must end after it starts.');
  }
}

const gone = (id: number) => new HubError('not_found', `No such announcement: ${id}`);

function entry(what: 'create' | 'change' | 'delete', announcement: repo.Announcement): AuditEntry {
  const { id, text, level, startsAt, endsAt } = announcement;
  const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return {
    action: `announcement.${what}`,
    of: { kind: 'announcement', name: String(id) },
    detail: { text, level, starts_at: iso(startsAt), ends_at: iso(endsAt) },
  };
}

/** This hub at once, the others by the wake-up. */
async function tellEverybody(ctx: AppContext): Promise<void> {
  ctx.wakeups.notify('announcements');
  // It is written already; a hub that cannot read it now does with its next look.
  await ctx.announcements.refresh().catch((err) => ctx.log.warn({ err }, 'announcements not read again'));
}

/** Keeps what pages show as the database has it, and forgets what is long over, until the signal. */
export async function watchAnnouncements(ctx: AppContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await repo.deleteEndedBefore(ctx.db, ctx.clock.now() - KEEP_MS);
      await ctx.announcements.refresh();
    } catch (err) {
      if (!signal.aborted) ctx.log.warn({ err }, 'announcements not read; will look again');
    }
    await ctx.clock.sleep(LOOK_MS, signal).catch(() => {});
  }
}
