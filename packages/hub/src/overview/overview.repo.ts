import type { Db } from '../db/types.ts';

/** How many accounts there are, wait for approval, were active lately, and are new. Times in ms. */
export async function countPeople(
  db: Db,
  { now, today }: { now: number; today: number },
): Promise<{ total: number; waiting: number; activeNow: number; activeToday: number; added: number }> {
  const users = () => db.selectFrom('users').select(({ fn }) => fn.countAll<number>().as('n'));
  // Each by an index, where there is one.
  const since = (at: number) => users().where(({ fn, val }) => fn.coalesce('last_activity', val(0)), '>=', at);
  const counts = await Promise.all(
    [users(), users().where('pending', '=', 1), since(now), since(today), users().where('created', '>=', today)].map(
      (query) => query.executeTakeFirstOrThrow(),
    ),
  );
  const [total = 0, waiting = 0, activeNow = 0, activeToday = 0, added = 0] = counts.map(({ n }) => Number(n));
  return { total, waiting, activeNow, activeToday, added };
}

/** When the oldest start that still waits was asked for; null when nobody waits. */
export async function oldestQueued(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('servers')
    .select(({ fn }) => fn.min('queued_at').as('at'))
    .where('phase', '=', 'queued')
    .executeTakeFirst();
  return row?.at ?? null;
}
