import { hashToken, randomHex } from '../../keys.ts';
import { insertSession } from '../../sessions/sessions.repo.ts';
import type { TestBrowser, TestHub } from '../../testing/index.ts';
import { createUser, findUser, type User } from '../../users/users.service.ts';

export interface Person {
  user: User;
  browser: TestBrowser;
  /** GET: status, where it leads, and the text. */
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; location: string; text: string }>;
  /** POST of a form with the token of a page that was looked at before. */
  post(path: string, fields?: Record<string, string>): Promise<{ status: number; location: string; text: string }>;
}

const seen = async (response: Response) => ({
  status: response.status,
  location: response.headers.get('location') ?? '',
  text: await response.text(),
});

/** Somebody with a browser that is signed in, by a session row: these tests are not about signing in. */
export async function signedIn(hub: TestHub, name: string, { admin = false } = {}): Promise<Person> {
  const { db, clock } = hub.ctx;
  const now = clock.now();
  const user = (await createUser(db, { name, admin, allowedBy: 'administrator', now })) ?? (await findUser(db, name));
  if (!user) throw new Error(`could not make ${name}`);
  const value = randomHex(32);
  const times = { created: now, last_seen: now, expires_at: now + 3_600_000 };
  await insertSession(db, { hash: hashToken(value), session_id: randomHex(16), user_id: user.id, ...times });
  const browser = hub.browser();
  browser.cookies.set('login', { name: 'jupyterhub-hub-login', path: '/hub/', value });
  return {
    user,
    browser,
    get: async (path, headers = {}) => seen(await browser.fetch(path, { headers })),
    async post(path, fields = {}) {
      await browser.fetch('/hub/token');
      const xsrf = [...browser.cookies.values()].find((cookie) => cookie.name === '_xsrf')?.value ?? '';
      return seen(await browser.fetch(path, { method: 'POST', body: new URLSearchParams({ _xsrf: xsrf, ...fields }) }));
    },
  };
}
