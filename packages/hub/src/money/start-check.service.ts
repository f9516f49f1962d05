import { HubError, type Json, type Options, SpawnFault } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import type { Db } from '../db/types.ts';
import { findServer } from '../servers/servers.service.ts';
import { spawnUserOf } from '../servers/spawn-user.ts';
import type { User } from '../users/users.service.ts';

import { hasLimits, limitsFor, takeTurn } from './limits.service.ts';

/** The limits' part in deciding about one start. */
export interface StartCheck {
  /** Makes decisions about one person wait for each other; first thing in the transaction. */
  takeTurn(db: Db): Promise<void>;
  /** @throws HubError `limit_reached` in words for the person. */
  check(db: Db, serverId: string): Promise<void>;
}

const NOTHING: StartCheck = { takeTurn: async () => {}, check: async () => {} };

/** Works out what a start would cost, before the transaction that decides about it. */
export async function prepareLimits(
  ctx: AppContext,
  user: User,
  serverName: string,
  options: Options | undefined,
): Promise<StartCheck> {
  if (!hasLimits(ctx.config)) return NOTHING;
  const spec = await specFor(ctx, user, options ?? (await findServer(ctx.db, user.id, serverName))?.userOptions ?? {});
  if (spec === undefined) return NOTHING;
  const who = { name: user.name, groups: user.groups };
  return {
    takeTurn: (db) => takeTurn(ctx, db, user.id),
    async check(db, serverId) {
      const { refused } = await limitsFor(ctx, who, spec, { db, server: serverId });
      if (refused !== undefined) throw new HubError('limit_reached', refused);
    },
  };
}

/** What these choices come to; undefined when they cannot be: then the start itself says what is wrong with them. */
async function specFor(ctx: AppContext, user: User, options: Options): Promise<Json | undefined> {
  try {
    return ctx.spawner.resolve(await spawnUserOf(ctx, user), options);
  } catch (error) {
    if (error instanceof SpawnFault || error instanceof HubError) return undefined;
    throw error;
  }
}
