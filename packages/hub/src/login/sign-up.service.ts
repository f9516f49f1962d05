import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { asUser } from '../users/principal.ts';
import { createUser, deleteUser, listUsers, normaliseUserName } from '../users/users.service.ts';
import { isConfiguredAdmin } from './allow.ts';
import { accountsOf } from './links.service.ts';
import { nameProblem } from './names.ts';
import { countSignUp } from './throttle.service.ts';

export type SignUp =
  | { ok: true; name: string; mode: 'open' | 'approval' }
  | { ok: false; message: string; retryAt?: number };

/** More than this waiting is no class but a script. */
const MOST_PENDING = 1_000;

/** Makes an account with a password: usable at once where sign-up is open, otherwise waiting for an administrator. */
export async function signUp(ctx: AppContext, given: string, password: string, ip: string): Promise<SignUp> {
  const accounts = accountsOf(ctx);
  const name = normaliseUserName(given);
  const problem = nameProblem(ctx, name) ?? accounts.problem(name, password);
  if (problem !== null) return { ok: false, message: problem };
  const retryAt = await countSignUp(ctx, ip);
  if (retryAt !== null) return { ok: false, message: 'Too many accounts were asked for from here.', retryAt };

  // Whoever signs up under a name that the config makes powerful still has to be looked at.
  const named = isConfiguredAdmin(ctx, name) || hasRule(ctx, name);
  const mode = accounts.signUp === 'open' && !named ? 'open' : 'approval';
  if (mode === 'approval') {
    const { total } = await listUsers(ctx.db, { pending: true, limit: 1 });
    if (total >= MOST_PENDING) return { ok: false, message: 'Too many requests are waiting. Ask an administrator.' };
  }
  const waiting = mode === 'approval';
  const now = ctx.clock.now();
  const user = await createUser(ctx.db, { name, allowedBy: waiting ? null : 'sign-up', pending: waiting, now });
  if (!user) return { ok: false, message: 'There is an account of this name. Use another one.' };
  try {
    await accounts.set(name, password);
  } catch (error) {
    // Not half an account: they can ask again when the disk has room.
    await deleteUser(ctx, user, { by: 'sign-up' }).catch((err) =>
      ctx.log.error({ err, user: name }, 'half an account stays'),
    );
    throw error;
  }
  await audit(ctx, { action: 'user.sign-up', by: asUser(user), of: { kind: 'user', name }, detail: { mode } });
  ctx.log.info({ user: name, ip, mode }, 'signed up');
  return { ok: true, name, mode };
}

function hasRule({ config }: AppContext, name: string): boolean {
  const { allowedUsers, blockedUsers } = config.access;
  return [...allowedUsers, ...blockedUsers].some((one) => one.toLowerCase() === name);
}
