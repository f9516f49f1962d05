import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { pluginIo } from '../plugins/plugin-io.ts';
import type { User } from '../users/users.service.ts';
import { deleteStorageRow, findStorage, putStorage } from './storage.repo.ts';

export { putStorage } from './storage.repo.ts';

/** The storage of this person, named now when it never was (architecture §4 rule 5). */
export async function storageOf(ctx: AppContext, user: User): Promise<string | undefined> {
  const known = await findStorage(ctx.db, user.id, ctx.spawner.id);
  if (known !== undefined || !ctx.spawner.nameStorage) return known;
  const { name: userName, admin, uid } = user;
  const name = ctx.spawner.nameStorage({ name: userName, admin, uid, groups: user.groups });
  return putStorage(ctx.db, { userId: user.id, userName, spawnerId: ctx.spawner.id, name, now: ctx.clock.now() });
}

/** Deletes a person's data for good. Only for an explicit deletion. */
export async function deleteStorageOf(ctx: AppContext, user: User): Promise<void> {
  const name = await findStorage(ctx.db, user.id, ctx.spawner.id);
  if (name === undefined) return;
  await ctx.spawner.destroyStorage?.(name, pluginIo(ctx, AbortSignal.timeout(60_000)));
  await deleteStorageRow(ctx.db, user.id, ctx.spawner.id);
  await audit(ctx, { action: 'storage.delete', of: { kind: 'storage', name, owner: user.name } });
}
