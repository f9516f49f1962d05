import type { Db } from './types.ts';

/**
 * True when `owner` holds the named lease until then: for what one hub does at a time. The holder renews it by asking
 * again; of two hubs that ask at the same moment one gets it, because one statement decides.
 */
export async function holdLease(db: Db, name: string, owner: string, now: number, until: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('leases')
    .values({ name, owner, until })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ owner, until })
        .where(({ or, eb }) => or([eb('leases.owner', '=', owner), eb('leases.until', '<', now)])),
    )
    .executeTakeFirstOrThrow();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}
