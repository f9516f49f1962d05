import type { AppContext } from '../context.ts';
import { acceptsUserName } from '../users/users.service.ts';

/** What is wrong with a name that somebody chooses for themselves, or null. Stricter than what a sign-in accepts. */
export function nameProblem(ctx: Pick<AppContext, 'config'>, name: string): string | null {
  const usual = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._@+-]{0,63}$/u.test(name) && name === name.normalize('NFKC');
  if (usual && acceptsUserName(ctx, name)) return null;
  if (usual && ctx.config.usernamePattern !== undefined) return `A name here fits ${ctx.config.usernamePattern}`;
  return 'A name has up to 64 letters and digits, and . _ - @ + between them.';
}
