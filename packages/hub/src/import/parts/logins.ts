import type { Secret } from '@atrium/sdk';
import { hashToken } from '../../keys.ts';
import { insertLegacyLogin, LOGIN_LIFETIME_MS, SEAL_PURPOSE } from '../../legacy/legacy-logins.service.ts';
import { setLogins } from '../ledger.repo.ts';
import type { Taking } from '../taking.ts';

/** Whoever is signed in there is signed in here, with the cookie they have: for as long as JupyterHub would take it. */
export async function takeLogins(taking: Taking, cookieSecret: Secret | undefined): Promise<void> {
  const { ctx, source, importId } = taking;
  const known = source.users.filter(({ cookieId }) => cookieId !== null && cookieId !== '');
  const count = taking.count('sign-ins of browsers', known.length);
  if (!cookieSecret) {
    for (const { name } of known) count.skip(name, 'without --cookie-secret-file people sign in again');
    return;
  }
  await setLogins(
    ctx.db,
    importId,
    ctx.keys.seal(SEAL_PURPOSE, cookieSecret.reveal()),
    ctx.clock.now() + LOGIN_LIFETIME_MS,
  );
  for (const { name, cookieId } of known) {
    await taking.breathe();
    const userId = taking.users.get(name);
    if (userId === undefined) count.skip(name, 'the person is not taken over');
    else if (await insertLegacyLogin(ctx.db, { hash: hashToken(cookieId ?? ''), userId, importId })) {
      count.take();
      taking.tookLogins = true;
    } else count.there(name);
  }
}
