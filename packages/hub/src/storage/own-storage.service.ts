import { HubError, type StorageDoor, type StorageInfo } from '@atrium/sdk';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { pluginIo } from '../plugins/plugin-io.ts';
import { isActive, listServers } from '../servers/servers.service.ts';
import type { User } from '../users/users.service.ts';
import { findStorage } from './storage.repo.ts';
import { deleteStorageOf } from './storage.service.ts';

const TIMEOUT_MS = 20_000;

/** What a person's storage is, and what they may do with it. */
export type OwnStorage =
  | { state: 'none' } // this spawner manages no storage
  | { state: 'not-yet' } // named at the first start
  | {
      state: 'known';
      name: string;
      info: StorageInfo;
      can: { restore: boolean; resize: boolean; snapshot: boolean; remove: boolean };
    };

/** Asks the spawner, which may take a moment. Rejects when it cannot say. */
export async function describeStorage(ctx: AppContext, user: User): Promise<OwnStorage> {
  const door = ctx.spawner.storage;
  if (!door) return { state: 'none' };
  const name = await findStorage(ctx.db, user.id, ctx.spawner.id);
  if (name === undefined) return { state: 'not-yet' };
  const info = await door.describe(name, io(ctx));
  return {
    state: 'known',
    name,
    info,
    can: {
      restore: door.restore !== undefined,
      resize: door.resize !== undefined,
      snapshot: door.snapshot !== undefined,
      remove: ctx.config.storage.deleteByOwner && ctx.spawner.destroyStorage !== undefined,
    },
  };
}

const io = (ctx: AppContext) => pluginIo(ctx, AbortSignal.timeout(TIMEOUT_MS));

async function doorOf(ctx: AppContext, user: User): Promise<{ door: StorageDoor; name: string }> {
  const door = ctx.spawner.storage;
  const name = door && (await findStorage(ctx.db, user.id, ctx.spawner.id));
  if (!door || name === undefined) throw new HubError('not_found', 'There is no storage to manage.');
  return { door, name };
}

/**
 * Brings a snapshot back into a folder of its own.
 * @throws HubError `not_found` for a snapshot that is not of this storage, so that nobody reads somebody else's.
 */
export async function restoreSnapshot(ctx: AppContext, user: User, snapshot: string): Promise<void> {
  const { door, name } = await doorOf(ctx, user);
  if (!door.restore) throw new HubError('bad_request', 'Snapshots cannot be restored here.');
  const { snapshots } = await door.describe(name, io(ctx));
  const known = snapshots.find(({ id }) => id === snapshot);
  if (!known || known.pending) throw new HubError('not_found', 'There is no such snapshot.');
  await door.restore(name, snapshot, io(ctx));
  const of = { kind: 'storage', name, owner: user.name };
  await audit(ctx, { action: 'storage.restore', of, detail: { snapshot } });
  ctx.log.info({ user: user.name, storage: name, snapshot }, 'a snapshot is restored');
}

/** @throws HubError `bad_request` in words when it cannot be. */
export async function growStorage(ctx: AppContext, user: User, sizeGb: number): Promise<void> {
  const { door, name } = await doorOf(ctx, user);
  if (!door.resize) throw new HubError('bad_request', 'Its size cannot be changed here.');
  await door.resize(name, sizeGb, io(ctx));
  await audit(ctx, { action: 'storage.grow', of: { kind: 'storage', name, owner: user.name }, detail: { sizeGb } });
  ctx.log.info({ user: user.name, storage: name, sizeGb }, 'storage is made larger');
}

export async function takeSnapshot(ctx: AppContext, user: User): Promise<void> {
  const { door, name } = await doorOf(ctx, user);
  if (!door.snapshot) throw new HubError('bad_request', 'Snapshots cannot be taken here.');
  await door.snapshot(name, io(ctx));
  await audit(ctx, { action: 'storage.snapshot', of: { kind: 'storage', name, owner: user.name } });
  ctx.log.info({ user: user.name, storage: name }, 'a snapshot is taken');
}

/**
 * Deletes everything of a person, at their own wish.
 * @throws HubError `not_allowed` when the configuration does not let people do that, `server_pending` while one of their
 * servers is on.
 */
export async function deleteOwnStorage(ctx: AppContext, user: User): Promise<void> {
  await doorOf(ctx, user);
  if (!ctx.config.storage.deleteByOwner || !ctx.spawner.destroyStorage) {
    throw new HubError('not_allowed', 'Deleting storage is not allowed here.');
  }
  const servers = (await listServers(ctx.db, [user.id])).get(user.id) ?? [];
  if (servers.some(isActive)) throw new HubError('server_pending', 'Stop your servers first. Nothing was deleted.');
  await deleteStorageOf(ctx, user);
  ctx.log.warn({ user: user.name }, 'storage deleted by its owner');
}
