import { password } from '@atrium/auth-password';
import type { Clock } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { startTestHub, type TestBrowser, type TestHub, type TestHubOptions } from '../testing/index.ts';
import { createUser, findUser, type User } from '../users/users.service.ts';
import { setPassword } from './links.service.ts';

export const GOOD = 'green otter paints trams';
export const OTHER = 'seven clouds of marble';

/** A clock that stands still until it is moved. Sleeping ends only by the signal. */
export function testClock(start = Date.UTC(2026, 10, 21, 10)): Clock & { move(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    move(ms) {
      now += ms;
    },
    sleep: (_, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
  };
}

export interface PersonOptions {
  admin?: boolean;
  allowedBy?: string | null;
  pending?: boolean;
}

export interface LoginHub extends TestHub {
  /** An account that an administrator made, with the password `GOOD`. */
  person(name: string, options?: PersonOptions): Promise<User>;
}

/** A hub with password accounts whose hashes are cheap, and servers that are echoes. */
export async function loginHub(
  options: Partial<TestHubOptions> & { signUp?: 'off' | 'open' | 'approval' } = {},
): Promise<LoginHub> {
  const { signUp = 'approval', ...rest } = options;
  const hub = await startTestHub({
    spawner: echoSpawner(),
    authenticator: password({ signUp, hashing: { memoryKiB: 64, passes: 1 } }),
    controller: false,
    ...rest,
  });
  return Object.assign(hub, {
    async person(name: string, { admin = false, allowedBy = 'administrator', pending = false }: PersonOptions = {}) {
      const { ctx } = hub;
      const made = await createUser(ctx.db, { name, admin, allowedBy, pending, now: ctx.clock.now() });
      const user = made ?? (await findUser(ctx.db, name));
      if (!user) throw new Error(`could not make ${name}`);
      const problem = await setPassword(ctx, user, GOOD);
      if (problem !== null) throw new Error(problem);
      return user;
    },
  });
}

export interface Seen {
  status: number;
  location: string | null;
  text: string;
  headers: Headers;
}

export async function seen(response: Response): Promise<Seen> {
  const { status, headers } = response;
  return { status, headers, location: headers.get('location'), text: await response.text() };
}

/** Opens the sign-in page and posts its form. */
export async function signInWith(
  browser: TestBrowser,
  username: string,
  password: string,
  path = '/hub/login',
): Promise<Seen> {
  return seen(await browser.submit(path, { username, password }));
}
