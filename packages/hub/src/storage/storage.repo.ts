import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

const selectName = prepared((db, { userId, spawnerId }: { userId: number; spawnerId: string }) =>
  db.selectFrom('storage').select('name').where('user_id', '=', userId).where('spawner_id', '=', spawnerId),
);

/** The name of a person's storage with this spawner, if it was ever named. */
export async function findStorage(db: Db, userId: number, spawnerId: string): Promise<string | undefined> {
  return (await selectName(db, { userId, spawnerId })).rows[0]?.name;
}

export interface NewStorage {
  userId: number;
  userName: string;
  spawnerId: string;
  name: string;
  now: number;
}

/** The first name given stays; whoever comes later gets that one. */
export async function putStorage(db: Db, storage: NewStorage): Promise<string> {
  await db
    .insertInto('storage')
    .values({
      user_id: storage.userId,
      user_name: storage.userName,
      spawner_id: storage.spawnerId,
      name: storage.name,
      created: storage.now,
    })
    .onConflict((conflict) => conflict.columns(['user_id', 'spawner_id']).doNothing())
    .execute();
  return (await findStorage(db, storage.userId, storage.spawnerId)) ?? storage.name;
}

export async function deleteStorageRow(db: Db, userId: number, spawnerId: string): Promise<void> {
  await db.deleteFrom('storage').where('user_id', '=', userId).where('spawner_id', '=', spawnerId).execute();
}
