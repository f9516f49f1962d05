import { keepAuthState } from '../../users/auth-state.service.ts';
import type { Taking } from '../taking.ts';

/** What sign-in services said about people whose accounts this import made; where the configuration keeps such things. */
export async function takeAuthState(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const some = source.users.filter(({ authState }) => authState !== 'none');
  const count = taking.count('auth_state', some.length);
  const made = new Set(taking.added.filter(({ kind }) => kind === 'user').map(({ theirs }) => theirs));
  for (const { name, authState } of some) {
    const userId = taking.users.get(name);
    if (userId === undefined) count.skip(name, 'the person is not taken over');
    else if (!made.has(name)) count.there(name);
    else if (!ctx.config.keepAuthState) count.skip(name, 'is not kept here: keepAuthState in the configuration');
    else if (authState === 'locked' || authState === 'none') {
      count.skip(name, 'no key opens it (--crypt-keys-file); it comes anew with the next sign-in');
    } else {
      await keepAuthState(ctx, userId, authState.state);
      count.take();
    }
  }
}
