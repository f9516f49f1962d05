import type { AppContext } from '../context.ts';
import { forgetLegacyLogins } from '../legacy/legacy-logins.service.ts';
import { pruneTokens } from '../oauth/oauth.service.ts';
import { deleteExpiredSessions } from '../sessions/sessions.service.ts';
import { deleteExpiredLinks } from './links.repo.ts';
import { forgetOldAttempts } from './throttle.service.ts';

const EVERY_MS = 10 * 60_000;

/** Deletes what has expired: sessions, tokens and codes, one-time links, failed attempts that no longer count. */
export async function pruneLogin(ctx: AppContext): Promise<void> {
  const now = ctx.clock.now();
  await deleteExpiredSessions(ctx.db, now);
  await pruneTokens(ctx);
  await deleteExpiredLinks(ctx.db, now);
  await forgetOldAttempts(ctx);
  await forgetLegacyLogins(ctx);
}

/** Prunes now and then until `signal` is aborted. */
export async function keepLoginTidy(ctx: AppContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pruneLogin(ctx).catch((err) => ctx.log.warn({ err }, 'expired sessions not deleted'));
    await ctx.clock.sleep(EVERY_MS, signal).catch(() => {});
  }
}
