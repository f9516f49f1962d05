import type { Bar } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import type { Db } from '../db/types.ts';
import { mayDo } from '../http/requester.ts';
import { mayStay } from '../login/allow.ts';
import { scopesOfPrincipal } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { findUserById } from '../users/users.service.ts';
import { type BarRow, barredOf, putBars, readBarChanges, readBars, tokensFor } from './bars.repo.ts';

/**
 * How long a token is kept from a server, ms. The server asks the hub about a token and believes the answer for 5 minutes
 * (contract §2.1); this is longer, for clocks and machines that were suspended.
 */
const BAR_MS = 15 * 60_000;

/** For `Bar.serverId`: no server gets the token. */
const EVERYWHERE = '';

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

/** Tokens, by hash, that are about to be deleted: no server gets them any more, and what they opened is closed. */
export async function barEverywhere(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  hashes: readonly string[],
): Promise<void> {
  const now = clock.now();
  await putBars(db, EVERYWHERE, hashes, { until: now + BAR_MS, now });
}

/** After the transaction: the proxies look at once. */
export function tellProxies({ wakeups }: Pick<AppContext, 'wakeups'>): void {
  wakeups.notify('routes');
}

const toBar = ({ serverId, hash, until }: BarRow): Bar => ({ serverId, token: hash, until });

/** Every bar that counts, for a proxy that begins to listen. */
export async function currentBars(db: Db, now: number): Promise<Bar[]> {
  return (await readBars(db, now)).map(toBar);
}

/** What changed after a version of the route stream. */
export async function barChanges(db: Db, version: number): Promise<{ bars: Bar[]; version: number }> {
  const changes = await readBarChanges(db, version);
  return { bars: changes.bars.map(toBar), version: changes.version };
}
