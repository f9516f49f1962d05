import type { Bar } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import type { Db } from '../db/types.ts';
import { type BarRow, putBars, readBarChanges, readBars, tokensOfPerson } from './bars.repo.ts';

/**
 * How long a token is kept from a server, ms. The server asks the hub about a token and believes the answer for 5 minutes
 * (contract §2.1); this is longer, for clocks and machines that were suspended.
 */
export const BAR_MS = 15 * 60_000;

/** For `Bar.serverId`: no server gets the token. */
const EVERYWHERE = '';

/** Tokens, by hash, that are about to be deleted: no server gets them any more, and what they opened is closed. */
export async function barEverywhere(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  hashes: readonly string[],
): Promise<void> {
  const now = clock.now();
  await putBars(db, EVERYWHERE, hashes, { until: now + BAR_MS, now });
}

/**
 * Somebody may not be here any more, or may again: no server gets a token of theirs. Belongs into the transaction of the
 * change; `tellProxies` comes after it.
 */
export async function barPerson(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  userId: number,
  barred = true,
): Promise<void> {
  const now = clock.now();
  await putBars(db, EVERYWHERE, await tokensOfPerson(db, userId), { until: barred ? now + BAR_MS : 0, now });
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
