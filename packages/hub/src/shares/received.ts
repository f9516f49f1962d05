import type { AppContext } from '../context.ts';
import type { User } from '../users/users.service.ts';
import { allReceivers, listShares, type Share } from './shares.repo.ts';

/**
 * Who has any share at all, so that nearly everybody's requests need not ask. Only "nothing" is believed: a copy that is too
 * old keeps back what was shared just now, and never gives what was taken.
 */
interface Receivers {
  users: ReadonlySet<number>;
  groups: ReadonlySet<string>;
  readAt: number;
}

interface Book {
  receivers: Promise<Receivers> | undefined;
}

/** Another hub's grants are looked for this often, ms, should its word have been lost. */
const OLDEST = 5_000;

// By the wake-ups, which a context within a transaction shares with its own.
const books = new WeakMap<AppContext['wakeups'], Book>();

function bookOf({ wakeups }: AppContext): Book {
  let book = books.get(wakeups);
  if (!book) {
    const fresh: Book = { receivers: undefined };
    wakeups.on('shares', () => {
      fresh.receivers = undefined;
    });
    books.set(wakeups, fresh);
    book = fresh;
  }
  return book;
}

/** To be called when shares were added, after the transaction. */
export function sharesChanged(ctx: AppContext): void {
  bookOf(ctx).receivers = undefined;
  ctx.wakeups.notify('shares');
}

async function mayHaveAny(ctx: AppContext, user: User): Promise<boolean> {
  // Within a transaction there may be what nobody else sees yet.
  if (ctx.db.isTransaction) return true;
  const book = bookOf(ctx);
  book.receivers ??= allReceivers(ctx.db).then(({ users, groups }) => ({
    users: new Set(users),
    groups: new Set(groups),
    readAt: ctx.clock.now(),
  }));
  const asked = book.receivers;
  let known: Receivers;
  try {
    known = await asked;
  } catch (error) {
    if (book.receivers === asked) book.receivers = undefined;
    throw error;
  }
  if (ctx.dialect === 'postgres' && ctx.clock.now() - known.readAt > OLDEST && book.receivers === asked) {
    book.receivers = undefined;
    return mayHaveAny(ctx, user);
  }
  return known.users.has(user.id) || user.groups.some((group) => known.groups.has(group));
}

/** What is shared with a person, or with a group they are in. */
export async function sharesReaching(ctx: AppContext, user: User): Promise<Share[]> {
  if (!(await mayHaveAny(ctx, user))) return [];
  const reaching = { userId: user.id, groups: user.groups };
  return (await listShares(ctx.db, { reaching }, ctx.clock.now())).shares;
}

/** The scopes that others' shares give a person now, each for one server (contract §4.3). */
export async function receivedScopes(ctx: AppContext, user: User): Promise<string[]> {
  return (await sharesReaching(ctx, user)).flatMap(scopesOfShare);
}

/** As the API says them and the scopes model reads them: each with its server. */
export function scopesOfShare({ scopes, server }: Pick<Share, 'scopes' | 'server'>): string[] {
  return scopes.map((scope) => `${scope}!server=${server.owner}/${server.name}`);
}
