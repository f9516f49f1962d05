import type { AppContext } from '../context.ts';
import type { Session } from '../sessions/sessions.service.ts';
import { accountsOf, setPassword } from './links.service.ts';
import { beginAttempt, failed, succeeded } from './throttle.service.ts';

export type ChangePassword = { ok: true } | { ok: false; status: 400 | 403 | 429; message: string; retryAt?: number };

/** The old password is asked for, and guessing at it counts like guessing at the sign-in form. */
export async function changePassword(
  ctx: AppContext,
  session: Session,
  old: string,
  password: string,
  ip: string,
): Promise<ChangePassword> {
  const accounts = accountsOf(ctx);
  const { user } = session;
  const locked = (retryAt: number): ChangePassword => ({
    ok: false,
    status: 429,
    message: 'There were too many tries. Try again later.',
    retryAt,
  });
  const wait = await beginAttempt(ctx, user.name, ip);
  if (wait !== null) return locked(wait);
  if (!(await accounts.verify(user.name, old))) {
    const retryAt = await failed(ctx, user.name, ip);
    return retryAt === null ? { ok: false, status: 403, message: 'The current password is wrong.' } : locked(retryAt);
  }
  await succeeded(ctx, user.name);
  const problem = await setPassword(ctx, user, password, { keep: session });
  return problem === null ? { ok: true } : { ok: false, status: 400, message: problem };
}
