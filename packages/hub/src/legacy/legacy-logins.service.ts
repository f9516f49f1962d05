import { Secret } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { COOKIES } from '../http/cookies.ts';
import { hashToken } from '../keys.ts';
import { findLegacyLogin, forgetLogins, loginSecrets } from './legacy.repo.ts';
import { looksSigned, openSignedCookie } from './signed-cookie.ts';

export { insertLegacyLogin, useLogin } from './legacy.repo.ts';

/** As long as JupyterHub takes its login cookies itself, unless it is told otherwise. */
export const LOGIN_LIFETIME_MS = 14 * 86_400_000;
/** Clocks of two machines differ a little. */
const AHEAD_MS = 60_000;
/** What the secret of an import is sealed for. */
export const SEAL_PURPOSE = 'jupyterhub-cookie-secret';

export interface LegacyLogin {
  userId: number;
  importId: number;
  /** When JupyterHub itself would have asked for a sign-in again. */
  until: number;
}

/** Whose login cookie of a JupyterHub that was taken over this is; undefined for anything else. */
export async function findLegacyLoginOf(ctx: AppContext, cookie: string): Promise<LegacyLogin | undefined> {
  if (!looksSigned(cookie)) return undefined;
  const now = ctx.clock.now();
  for (const { importId, sealed } of await loginSecrets(ctx.db, now)) {
    const secret = ctx.keys.open(SEAL_PURPOSE, sealed);
    const signed = secret && openSignedCookie(cookie, COOKIES.login, new Secret(secret, SEAL_PURPOSE));
    if (!signed || signed.at > now + AHEAD_MS || signed.at + LOGIN_LIFETIME_MS <= now) continue;
    const userId = await findLegacyLogin(ctx.db, hashToken(signed.value), importId);
    if (userId !== undefined) return { userId, importId, until: signed.at + LOGIN_LIFETIME_MS };
  }
  return undefined;
}

/** Deletes what served to take such cookies, once none can count any more. */
export async function forgetLegacyLogins(ctx: Pick<AppContext, 'db' | 'clock'>): Promise<void> {
  await forgetLogins(ctx.db, ctx.clock.now());
}
