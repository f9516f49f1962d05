import type { SpawnUser } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { storageOf } from '../storage/storage.service.ts';
import type { User } from '../users/users.service.ts';

/** A person as a spawner knows them. Their storage is named when it never was. */
export async function spawnUserOf(ctx: AppContext, user: User): Promise<SpawnUser> {
  const { name, admin, uid, groups } = user;
  return { name, admin, uid, groups, storage: await storageOf(ctx, user) };
}
