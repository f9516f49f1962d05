import type { Logger } from 'pino';
import type { Db } from '../db/types.ts';
import type { Wakeups } from '../wakeups.ts';
import { type Announcement, listAnnouncements } from './announcements.repo.ts';

/** The announcements of pages: kept in memory, because every page has them. */
export interface AnnouncementBoard {
  /** Those that are to be shown now, the one that begins last first. */
  shown(now: number): readonly Announcement[];
  /** Reads them anew. */
  refresh(): Promise<void>;
}

/** Hears by itself of what other hubs change. */
export async function openBoard(db: Db, wakeups: Wakeups, log: Logger): Promise<AnnouncementBoard> {
  let all: readonly Announcement[] = [];
  const board: AnnouncementBoard = {
    shown: (now) => all.filter((each) => isShown(each, now)),
    async refresh() {
      all = await listAnnouncements(db);
    },
  };
  await board.refresh();
  wakeups.on('announcements', () => {
    board.refresh().catch((err) => log.warn({ err }, 'announcements not read; will look again'));
  });
  return board;
}

export function isShown({ startsAt, endsAt }: Pick<Announcement, 'startsAt' | 'endsAt'>, now: number): boolean {
  return startsAt <= now && (endsAt === null || now < endsAt);
}
