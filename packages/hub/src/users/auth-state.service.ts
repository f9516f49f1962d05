import { HubError, type Json } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { fromJson } from '../db/json.ts';
import { findAuthState, updateAuthState } from './users.repo.ts';

const PURPOSE = 'auth-state';

/** What the sign-in service said of somebody; null when nothing is kept (any more), or it cannot be opened with this hub's key. */
export async function readAuthState(ctx: AppContext, userId: number): Promise<Json> {
  if (!ctx.config.keepAuthState) return null;
  const sealed = await findAuthState(ctx.db, userId);
  if (sealed === null) return null;
  const text = ctx.keys.open(PURPOSE, sealed);
  if (text === undefined)
    ctx.log.warn({ userId }, 'what the sign-in service said cannot be opened: the hub key is another');
  return text === undefined ? null : fromJson<Json>(text);
}

/**
 * Keeps it, sealed; null forgets it.
 * @throws HubError `bad_request` when this installation keeps nothing of the kind.
 */
export async function keepAuthState(ctx: AppContext, userId: number, state: Json): Promise<void> {
  if (state !== null && !ctx.config.keepAuthState) {
    throw new HubError('bad_request', 'auth_state is not kept here: the configuration does not say keepAuthState');
  }
  await updateAuthState(ctx.db, userId, state === null ? null : ctx.keys.seal(PURPOSE, JSON.stringify(state)));
}
