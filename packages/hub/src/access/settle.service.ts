import type { AppContext } from '../context.ts';
import { mayDo } from '../http/requester.ts';
import { mayStay } from '../login/allow.ts';
import { scopesOfPrincipal } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { findUserById } from '../users/users.service.ts';
import { barredOf, putBars, serversReached, tokensFor } from './bars.repo.ts';
import { BAR_MS } from './bars.service.ts';

/**
 * Brings what the proxy lets through to a server in line with what these people (by number) may do now: whoever lost it
 * is kept out from this moment, open connections included, although the server itself still remembers them. Belongs into
 * the transaction of the change; `tellProxies` comes after it.
 */
export async function settleAccess(
  ctx: AppContext,
  server: { id: string; owner: string; name: string },
  userIds: readonly number[],
): Promise<void> {
  const now = ctx.clock.now();
  for (const id of userIds) {
    const user = await findUserById(ctx.db, id);
    const hashes = user ? await tokensFor(ctx.db, id, server.id) : [];
    if (!user || hashes.length === 0) continue;
    const scopes = await scopesOfPrincipal(ctx, asUser(user));
    const target = { user: server.owner, server: server.name };
    if (mayStay(ctx, user) && (await mayDo(ctx, { user, scopes }, ['access:servers'], target))) {
      await putBars(ctx.db, server.id, await barredOf(ctx.db, server.id, hashes, now), { until: 0, now });
    } else await putBars(ctx.db, server.id, hashes, { until: now + BAR_MS, now });
  }
}

/**
 * The same for every server of others that runs: these people got or lost what no share gives, such as being an
 * administrator or the role of a group.
 */
export async function settleEverywhere(ctx: AppContext, userIds: readonly number[]): Promise<void> {
  for (const id of userIds) {
    for (const server of await serversReached(ctx.db, id)) await settleAccess(ctx, server, [id]);
  }
}
