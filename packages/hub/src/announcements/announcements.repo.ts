import type { Selectable } from 'kysely';
import type { AnnouncementsTable, Db } from '../db/types.ts';

/** What administrators tell everybody, for a time. */
export interface Announcement {
  id: number;
  /** Plain text. */
  text: string;
  level: 'info' | 'warning';
  /** ms. */
  startsAt: number;
  /** ms; null: until somebody takes it back. */
  endsAt: number | null;
  dismissible: boolean;
  /** Who wrote it. */
  by: string;
  created: number;
}

export type AnnouncementWords = Omit<Announcement, 'id' | 'by' | 'created'>;

function toAnnouncement(row: Selectable<AnnouncementsTable>): Announcement {
  return {
    id: row.id,
    text: row.text,
    level: row.level,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    dismissible: row.dismissible === 1,
    by: row.by_name,
    created: row.created,
  };
}

const valuesOf = ({ text, level, startsAt, endsAt, dismissible }: AnnouncementWords) => ({
  text,
  level,
  starts_at: startsAt,
  ends_at: endsAt,
  dismissible: dismissible ? 1 : 0,
});

/** Newest first. */
export async function listAnnouncements(db: Db): Promise<Announcement[]> {
  const rows = await db.selectFrom('announcements').selectAll().orderBy('starts_at', 'desc').orderBy('id', 'desc');
  return (await rows.execute()).map(toAnnouncement);
}

export async function findAnnouncement(db: Db, id: number): Promise<Announcement | undefined> {
  const row = await db.selectFrom('announcements').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toAnnouncement(row);
}

export async function insertAnnouncement(
  db: Db,
  words: AnnouncementWords,
  { by, now }: { by: string; now: number },
): Promise<Announcement> {
  const values = { ...valuesOf(words), by_name: by, created: now };
  return toAnnouncement(await db.insertInto('announcements').values(values).returningAll().executeTakeFirstOrThrow());
}

/** Undefined when it is gone. */
export async function updateAnnouncement(
  db: Db,
  id: number,
  words: AnnouncementWords,
): Promise<Announcement | undefined> {
  const row = await db
    .updateTable('announcements')
    .set(valuesOf(words))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row && toAnnouncement(row);
}

/** False when it was gone. */
export async function deleteAnnouncement(db: Db, id: number): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('announcements').where('id', '=', id).executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

/** Forgets those that ended before a time. */
export async function deleteEndedBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('announcements').where('ends_at', '<', at).execute();
}
