import { sharedPassword } from '@atrium/auth-shared-password';
import { defineAuthenticator, type Identity, Secret } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { findServer, listActiveServers, requestStart } from '../servers/servers.service.ts';
import { findUser, updateUser } from '../users/users.service.ts';
import { createFirstAdminLink, createResetLink, setPassword } from './links.service.ts';
import { GOOD, type LoginHub, loginHub, OTHER, seen, signInWith, testClock } from './test-hub.ts';

const MINUTE = 60_000;
const cookieLines = (headers: Headers) => headers.getSetCookie();
const line = (headers: Headers, name: string) => cookieLines(headers).find((one) => one.startsWith(`${name}=`));
const homeOf = async (browser: ReturnType<LoginHub['browser']>) => (await browser.fetch('/hub/home')).status;

test('name and password: two cookies with the right paths and flags, then where the person was heading', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();

  const form = await browser.fetch('/hub/login?next=%2Fhub%2Ftoken');
  const result = await signInWith(browser, 'Ada', GOOD, '/hub/login?next=%2Fhub%2Ftoken');

  expect(form.status).toBe(200);
  expect(line(form.headers, '_xsrf')).toMatch(/^_xsrf=[\w-]{43}; Path=\/hub\/; Max-Age=3600; SameSite=Lax$/);
  expect([result.status, result.location]).toEqual([302, '/hub/token']);
  expect(line(result.headers, 'jupyterhub-session-id')).toMatch(/=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax$/);
  expect(line(result.headers, 'jupyterhub-hub-login')).toMatch(
    /=[0-9a-f]{64}; Path=\/hub\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
  );
  expect(line(result.headers, '_xsrf')).toMatch(/^_xsrf=[\w-]{43}; Path=\/hub\/; SameSite=Lax$/);
  expect(await homeOf(browser)).toBe(200);
  expect((await seen(await browser.fetch('/hub/login?next=/hub/token'))).location).toBe('/hub/token');
});

test('what the database keeps of a session is a hash', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();

  await signInWith(browser, 'ada', GOOD);

  const rows = JSON.stringify(await hub.ctx.db.selectFrom('sessions').selectAll().execute());
  const value = browser.cookies.get('jupyterhub-hub-login /hub/')?.value ?? 'missing';
  expect(rows).not.toContain(value);
});

test('behind https every cookie is Secure', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();

  const form = await browser.fetch('/hub/login', { headers: { 'x-forwarded-proto': 'https' } });

  expect(line(form.headers, '_xsrf')).toContain('; Secure;');
});

test('wrong name, wrong password and no password are refused in the same words', async () => {
  await using hub = await loginHub();
  await hub.person('ada');

  const answers = [];
  for (const [name, password] of [
    ['ada', OTHER],
    ['nobody', GOOD],
    ['ada', ''],
    ['', ''],
    ['../x', 'y'],
  ] as const) {
    answers.push(await signInWith(hub.browser(), name, password));
  }

  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
  const alerts = answers.map(({ text }) => /role="alert"[^>]*>([^<]*)</.exec(text)?.[1]?.trim());
  expect(new Set(alerts)).toEqual(new Set(['Name or password is wrong.']));
});

test('a form without its token, or with that of another browser, is shown again and signs nobody in', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const other = hub.browser();
  await other.fetch('/hub/login', { headers: { 'user-agent': 'another' } });
  const foreign = [...other.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
  const post = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    hub.browser().fetch('/hub/login', {
      method: 'POST',
      headers,
      body: new URLSearchParams({ username: 'ada', password: GOOD, ...fields }),
    });

  for (const response of [
    await post({}),
    await post({ _xsrf: 'x' }, { cookie: '_xsrf=x' }),
    await post({ _xsrf: foreign }, { cookie: `_xsrf=${foreign}` }),
  ]) {
    const { status, text, headers } = await seen(response);
    expect([status, line(headers, 'jupyterhub-hub-login')]).toEqual([403, undefined]);
    expect(text).toContain('Login form invalid or expired. Try again.');
  }
});

test('next never leads away from the hub', async () => {
  await using hub = await loginHub();
  await hub.person('ada');

  for (const next of ['http://evil.example/', '//evil.example', '/%09/evil.example', 'javascript:alert(1)']) {
    const { location } = await signInWith(
      hub.browser(),
      'ada',
      GOOD,
      `/hub/login?next=${encodeURIComponent(decodeURIComponent(next))}`,
    );
    expect(location).toBe('/hub/');
  }
});

test('signing out ends the session and the tokens made in it, and clears the four cookies', async () => {
  await using hub = await loginHub();
  const user = await hub.person('ada');
  const browser = hub.browser();
  await signInWith(browser, 'ada', GOOD);
  const sessionId = browser.cookies.get('jupyterhub-session-id /')?.value ?? '';
  const token = (hash: string, session_id: string | null) => ({
    hash,
    session_id,
    user_id: user.id,
    client_id: 'c',
    created: 0,
    note: '',
    scopes: '[]',
  });
  await hub.ctx.db
    .insertInto('api_tokens')
    .values([token('of this', sessionId), token('of another', 'x'), token('of none', null)])
    .execute();
  const stolen = new Map(browser.cookies);

  const result = await seen(await browser.fetch('/hub/logout'));

  expect([result.status, result.location]).toEqual([302, '/hub/login']);
  const cleared = cookieLines(result.headers).map((one) => one.replace(/; Max-Age=0.*/, ''));
  expect(cleared.sort()).toEqual([
    '_xsrf=; Path=/hub/',
    'jupyterhub-hub-login=; Path=/hub/',
    'jupyterhub-services=; Path=/services',
    'jupyterhub-session-id=; Path=/',
  ]);
  const left = await hub.ctx.db.selectFrom('api_tokens').select('hash').execute();
  expect(left.map(({ hash }) => hash).sort()).toEqual(['of another', 'of none']);
  for (const [key, cookie] of stolen) browser.cookies.set(key, cookie);
  expect(await homeOf(browser)).toBe(302);
});

test('the session id comes back when the browser lost it, the same one', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();
  await signInWith(browser, 'ada', GOOD);
  const before = browser.cookies.get('jupyterhub-session-id /')?.value;
  browser.cookies.delete('jupyterhub-session-id /');

  await browser.fetch('/hub/home');

  expect(browser.cookies.get('jupyterhub-session-id /')?.value).toBe(before);
});

test('signing in again makes a new session and ends the one before', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  await hub.person('bob');
  const browser = hub.browser();
  await signInWith(browser, 'ada', GOOD);
  const before = new Map(browser.cookies);

  const again = await signInWith(browser, 'bob', GOOD);

  expect(again.status).toBe(302);
  expect(browser.cookies.get('jupyterhub-session-id /')?.value).not.toBe(before.get('jupyterhub-session-id /')?.value);
  expect((await hub.ctx.db.selectFrom('sessions').select('user_id').execute()).length).toBe(1);
});

test('a session ends with its time, with a block, and with the rule that allowed it', async () => {
  const clock = testClock();
  await using hub = await loginHub({
    clock,
    config: { sessions: { maxAge: '1h' }, access: { allowedUsers: ['eve'] } },
  });
  await hub.person('ada');
  const bob = await hub.person('bob');
  const carl = await hub.person('carl');
  const browsers = { ada: hub.browser(), bob: hub.browser(), carl: hub.browser() };
  for (const [name, browser] of Object.entries(browsers)) await signInWith(browser, name, GOOD);

  await updateUser(hub.ctx.db, bob.id, { blocked: true });
  await updateUser(hub.ctx.db, carl.id, { allowedBy: null });

  expect(await homeOf(browsers.ada)).toBe(200);
  expect(await homeOf(browsers.bob)).toBe(302);
  expect(await homeOf(browsers.carl)).toBe(302);
  clock.move(61 * MINUTE);
  expect(await homeOf(browsers.ada)).toBe(302);
});

test('who is not allowed is told so only after the right password, with every rule', async () => {
  await using hub = await loginHub();
  await hub.person('ada', { allowedBy: null });
  await hub.person('bob', { allowedBy: null, pending: true });

  const wrong = await signInWith(hub.browser(), 'ada', OTHER);
  const right = await signInWith(hub.browser(), 'ada', GOOD);
  const pending = await signInWith(hub.browser(), 'bob', GOOD);

  expect(wrong.text).not.toContain('access.allowAll');
  expect([right.status, pending.status]).toEqual([403, 403]);
  expect(line(right.headers, 'jupyterhub-hub-login')).toBeUndefined();
  expect(right.text).toContain('nobody has allowed this account');
  expect(right.text).toContain('access.allowAll');
  expect(pending.text).toContain('waits until an administrator approves');
});

test('after five failures a name waits longer and longer, its right password too, and a restart changes nothing', async () => {
  const clock = testClock();
  const first = await loginHub({ clock });
  await first.person('ada');
  const statuses = [];
  for (let at = 0; at < 7; at += 1) statuses.push((await signInWith(first.browser(), 'ada', OTHER)).status);
  const database = first.ctx.db;
  const [row] = await database.selectFrom('login_throttle').selectAll().where('key', 'like', 'name:%').execute();
  const locked = await signInWith(first.browser(), 'ada', GOOD);
  const dataDir = first.dataDir;
  expect(statuses).toEqual([403, 403, 403, 403, 403, 403, 429]);
  expect(row?.key).not.toContain('ada');
  expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '10']);
  expect(locked.text).toContain('10 seconds');
  // The directory is the first hub's; only its processes end here.
  await first.hub[Symbol.asyncDispose]();

  await using second = await loginHub({ clock, dataDir });
  expect((await signInWith(second.browser(), 'ada', GOOD)).status).toBe(429);
  clock.move(11_000);
  expect((await signInWith(second.browser(), 'ada', OTHER)).headers.get('retry-after')).toBe('20');
  clock.move(21_000);
  expect((await signInWith(second.browser(), 'ada', GOOD)).status).toBe(302);
  expect((await signInWith(second.browser(), 'ada', OTHER)).status).toBe(403);
});

test('fifty guesses at the same moment: six are looked at', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();
  await browser.fetch('/hub/login');
  const xsrf = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';

  const guesses = Array.from({ length: 50 }, (_, at) =>
    browser.fetch('/hub/login', {
      method: 'POST',
      body: new URLSearchParams({ _xsrf: xsrf, username: 'ada', password: `guess ${at}` }),
    }),
  );
  const statuses = (await Promise.all(guesses)).map(({ status }) => status);

  expect(statuses.filter((status) => status === 403)).toHaveLength(6);
  expect(statuses.filter((status) => status === 429)).toHaveLength(44);
});

test('a class behind one address that mistypes three times each is not locked out', async () => {
  await using hub = await loginHub({
    authenticator: sharedPassword({ password: new Secret('the room') }),
    config: { access: { allowAll: true } },
  });
  const browser = hub.browser();
  await browser.fetch('/hub/login');
  const xsrf = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
  const post = (username: string, password: string) => {
    const student = hub.browser();
    student.cookies.set('_xsrf /hub/', { name: '_xsrf', path: '/hub/', value: xsrf });
    const body = new URLSearchParams({ _xsrf: xsrf, username, password });
    return student.fetch('/hub/login', { method: 'POST', body });
  };
  const names = Array.from({ length: 220 }, (_, at) => `student${at}`);

  for (let round = 0; round < 3; round += 1) await Promise.all(names.map((name) => post(name, 'the rom')));
  const last = await Promise.all(names.map((name) => post(name, 'the room')));

  expect(new Set(last.map(({ status }) => status))).toEqual(new Set([302]));
});

test('usernameMap: the account is the one it says, whatever case was typed, and its rules are those of that account', async () => {
  await using hub = await loginHub({
    authenticator: sharedPassword({ password: new Secret('the room') }),
    config: { access: { allowAll: true, adminUsers: ['dean'] }, usernameMap: { countess: 'lovelace', boss: 'dean' } },
  });

  const mapped = await signInWith(hub.browser(), 'Countess', 'the room');
  const admin = await signInWith(hub.browser(), 'boss', 'the room');
  const odd = await signInWith(hub.browser(), 'constructor', 'the room');

  expect([mapped.status, admin.status, odd.status]).toEqual([302, 403, 302]);
  expect(await findUser(hub.ctx.db, 'lovelace')).toMatchObject({ admin: false });
  for (const name of ['countess', 'boss', 'dean']) expect(await findUser(hub.ctx.db, name)).toBeUndefined();
});

test('usernameMap and accounts of the hub do not go together', async () => {
  await expect(loginHub({ config: { usernameMap: { countess: 'lovelace' } } })).rejects.toThrow(/^usernameMap: /);
});

test('a room’s password signs nobody in as an administrator, whatever the rules say', async () => {
  await using hub = await loginHub({
    authenticator: sharedPassword({ password: new Secret('the room'), staff: { prof: new Secret('chalk') } }),
    config: { access: { allowAll: true, adminUsers: ['dean'] } },
  });

  const room = await signInWith(hub.browser(), 'ada', 'the room');
  const dean = await signInWith(hub.browser(), 'Dean', 'the room');
  const prof = await signInWith(hub.browser(), 'Prof', 'chalk');
  const asProf = await signInWith(hub.browser(), 'PROF', 'the room');

  expect([room.status, dean.status, prof.status, asProf.status]).toEqual([302, 403, 302, 403]);
  expect((await findUser(hub.ctx.db, 'prof'))?.admin).toBe(true);
  expect((await findUser(hub.ctx.db, 'ada'))?.admin).toBe(false);
  expect(await findUser(hub.ctx.db, 'dean')).toBeUndefined();
  expect((await hub.browser().fetch('/hub/signup')).status).toBe(404);
  expect(await createFirstAdminLink(hub.ctx)).toBeNull();
});

test('what the authenticator says about a person is kept; what it throws is an error, not a refusal', async () => {
  let answer: () => Identity = () => ({ name: 'ADA', groups: ['physics'], userInfo: { name: 'Ada' } });
  const provider = defineAuthenticator({
    id: 'told',
    config: z.strictObject({}),
    form: z.object({ username: z.string(), password: z.string() }),
    create: () => ({ authenticate: async () => answer() }),
  });
  await using hub = await loginHub({ authenticator: provider(), config: { access: { allowedGroups: ['physics'] } } });

  const first = await signInWith(hub.browser(), 'ada', 'x');
  const kept = await findUser(hub.ctx.db, 'ada');
  answer = () => ({ name: 'ada', admin: true, groups: ['physics'] });
  await signInWith(hub.browser(), 'ada', 'x');
  const promoted = await findUser(hub.ctx.db, 'ada');
  answer = () => {
    throw new Error('the directory is down: cn=secret');
  };
  const down = await signInWith(hub.browser(), 'ada', 'x');

  expect(first.status).toBe(302);
  expect(kept).toMatchObject({ authGroups: ['physics'], userInfo: { name: 'Ada' }, admin: false });
  expect(promoted).toMatchObject({ userInfo: { name: 'Ada' }, admin: true });
  expect(down.status).toBe(500);
  expect(down.text).not.toContain('cn=secret');
});

test('sign-up waits for approval, shows so at sign-in, and works once approved', async () => {
  await using hub = await loginHub();
  const browser = hub.browser();

  const asked = await seen(await browser.submit('/hub/signup', { username: 'Eve', password: GOOD }));
  const waiting = await signInWith(browser, 'eve', GOOD);
  const eve = await findUser(hub.ctx.db, 'eve');
  await updateUser(hub.ctx.db, eve?.id ?? 0, { pending: false, allowedBy: 'approval' });
  const approved = await signInWith(browser, 'eve', GOOD);

  expect(asked.status).toBe(200);
  expect(eve?.pending).toBe(true);
  expect([waiting.status, approved.status]).toEqual([403, 302]);
});

test('open sign-up is usable at once, but not under a name that the config makes powerful', async () => {
  await using hub = await loginHub({
    signUp: 'open',
    config: { access: { adminUsers: ['Dean'], allowedUsers: ['ada'] } },
  });
  const sign = async (username: string) => {
    await hub.browser().submit('/hub/signup', { username, password: GOOD });
    return (await signInWith(hub.browser(), username, GOOD)).status;
  };

  expect(await sign('eve')).toBe(302);
  expect(await sign('dean')).toBe(403);
  expect(await sign('ada')).toBe(403);
});

test('sign-up refuses taken names, odd names and weak passwords, and changes nothing then', async () => {
  await using hub = await loginHub({ signUp: 'open' });
  await hub.person('ada');
  const sign = async (username: string, password: string) =>
    seen(await hub.browser().submit('/hub/signup', { username, password }));

  expect(await sign('ADA', OTHER)).toMatchObject({
    status: 400,
    text: expect.stringContaining('account of this name'),
  });
  expect(await sign('a/b', GOOD)).toMatchObject({ status: 400, text: expect.stringContaining('letters and digits') });
  expect(await sign('..', GOOD)).toMatchObject({ status: 400 });
  expect(await sign('eve', 'password1234')).toMatchObject({ status: 400, text: expect.stringContaining('guessed') });
  expect((await signInWith(hub.browser(), 'ada', GOOD)).status).toBe(302);
  expect(await findUser(hub.ctx.db, 'eve')).toBeUndefined();
});

test('the first administrator’s link works once, expires, and is not made when there is an administrator', async () => {
  const clock = testClock();
  await using hub = await loginHub({ clock });
  const expired = await createFirstAdminLink(hub.ctx);
  clock.move(61 * MINUTE);
  const [link, other] = [await createFirstAdminLink(hub.ctx), await createFirstAdminLink(hub.ctx)];
  const browser = hub.browser();
  const submit = async (path: string | undefined, username: string, password = GOOD) =>
    seen(await browser.submit(path ?? 'missing', { username, password }));

  const late = await submit(expired?.path, 'root1');
  const weak = await submit(link?.path, 'root1', 'short');
  const made = await submit(link?.path, 'Root1');
  const home = await homeOf(browser);
  const again = await submit(link?.path, 'root2');
  const second = await submit(other?.path, 'root2');

  expect([late.status, weak.status, made.status, again.status, second.status]).toEqual([404, 400, 302, 404, 404]);
  expect([made.location, home]).toEqual(['/hub/home', 200]);
  expect(await findUser(hub.ctx.db, 'root1')).toMatchObject({ admin: true, allowedBy: 'first-admin' });
  expect(await createFirstAdminLink(hub.ctx)).toBeNull();
});

test('two people with two first-administrator links at the same moment: one account is made', async () => {
  await using hub = await loginHub();
  const links = [await createFirstAdminLink(hub.ctx), await createFirstAdminLink(hub.ctx)];

  const results = await Promise.all(
    links.map(
      async (link, at) =>
        (await hub.browser().submit(link?.path ?? '', { username: `root${at}`, password: GOOD })).status,
    ),
  );

  expect(results.sort()).toEqual([302, 404]);
});

test('a reset link sets the password once, ends sessions and any lockout, and replaces the one before', async () => {
  await using hub = await loginHub();
  const ada = await hub.person('ada');
  const before = hub.browser();
  await signInWith(before, 'ada', GOOD);
  for (let at = 0; at < 7; at += 1) await signInWith(hub.browser(), 'ada', 'wrong');
  const old = await createResetLink(hub.ctx, ada, 'test');
  const link = await createResetLink(hub.ctx, ada, 'test');
  const reset = async (path: string, password: string) => seen(await hub.browser().submit(path, { password }));

  const replaced = await reset(old.path, OTHER);
  const weak = await reset(link.path, 'ada');
  const done = await reset(link.path, OTHER);
  const again = await reset(link.path, GOOD);

  expect([replaced.status, weak.status, done.status, again.status]).toEqual([404, 400, 302, 404]);
  expect(await homeOf(before)).toBe(302);
  expect((await signInWith(hub.browser(), 'ada', GOOD)).status).toBe(403);
  expect((await signInWith(hub.browser(), 'ada', OTHER)).status).toBe(302);
});

test('changing the password asks for the old one and signs the other browsers out', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const [here, there] = [hub.browser(), hub.browser()];
  for (const browser of [here, there]) await signInWith(browser, 'ada', GOOD);
  const change = async (old_password: string, password: string) =>
    seen(await here.submit('/hub/change-password', { old_password, password }));

  const wrong = await change(OTHER, OTHER);
  const weak = await change(GOOD, 'password1234');
  const done = await change(GOOD, OTHER);

  expect([wrong.status, weak.status, done.status]).toEqual([403, 400, 200]);
  expect(wrong.text).toContain('current password is wrong');
  expect([await homeOf(here), await homeOf(there)]).toEqual([200, 302]);
  expect((await signInWith(hub.browser(), 'ada', OTHER)).status).toBe(302);
});

test('guessing at the old password is limited like guessing at the sign-in form', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();
  await signInWith(browser, 'ada', GOOD);

  const statuses = [];
  for (let at = 0; at < 7; at += 1) {
    statuses.push((await browser.submit('/hub/change-password', { old_password: `x${at}`, password: OTHER })).status);
  }

  expect(statuses.slice(-2)).toEqual([429, 429]);
});

test('forms of signed-in people need the token of their session', async () => {
  await using hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();
  await browser.fetch('/hub/login');
  const anonymous = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
  await signInWith(browser, 'ada', GOOD);

  const response = await browser.fetch('/hub/change-password', {
    method: 'POST',
    body: new URLSearchParams({ _xsrf: anonymous, old_password: GOOD, password: OTHER }),
  });

  expect(response.status).toBe(403);
  expect((await signInWith(hub.browser(), 'ada', GOOD)).status).toBe(302);
});

test('a password that cannot be kept is named, by the command too', async () => {
  await using hub = await loginHub();
  const ada = await hub.person('ada');

  expect(await setPassword(hub.ctx, ada, 'password1234')).toMatch(/guessed/);
  expect(await setPassword(hub.ctx, ada, OTHER)).toBeNull();
});

test('where that is set, whoever signs out has all their servers stopped, and nobody else', async () => {
  await using hub = await loginHub({ controller: true, config: { sessions: { stopServers: true } } });
  const people = await Promise.all([hub.person('ada'), hub.person('ben')]);
  for (const user of people) {
    for (const name of ['', 'two']) await requestStart(hub.ctx, user, name, { by: user.name });
  }
  const running = async () => (await listActiveServers(hub.ctx.db)).map(({ userName }) => userName).sort();
  const browser = hub.browser();
  await signInWith(browser, 'ada', GOOD);
  expect(await running()).toEqual(['ada', 'ada', 'ben', 'ben']);

  await browser.fetch('/hub/logout');

  await expect.poll(running, { timeout: 20_000 }).toEqual(['ben', 'ben']);
});

/** Signs everybody in, and answers about them what the test says: an identity, nobody, or an error. */
const askable = (answer: () => Identity | null, groups?: string[]) =>
  defineAuthenticator({
    id: 'askable',
    config: z.strictObject({}),
    form: z.object({ username: z.string(), password: z.string() }),
    create: () => ({
      authenticate: async ({ username }) => ({ name: username, authState: { key: 1 }, ...(groups && { groups }) }),
      refresh: async () => answer(),
    }),
  })();

test('who is signed in is asked about again after a while, and signed out when the sign-in service says so', async () => {
  const clock = testClock();
  let asked = 0;
  let answer: () => Identity | null = () => ({ name: 'Ada', groups: ['astronomy'] });
  const authenticator = askable(() => {
    asked += 1;
    return answer();
  });
  const config = { access: { allowAll: true }, keepAuthState: true, sessions: { refreshAge: '5m' } };
  await using hub = await loginHub({ clock, authenticator, config });
  const browser = hub.browser();
  await signInWith(browser, 'ada', 'anything');
  const groups = async () => (await findUser(hub.ctx.db, 'ada'))?.authGroups;

  expect([await homeOf(browser), asked, await groups()]).toEqual([200, 0, []]);
  clock.move(5 * MINUTE);
  expect(await Promise.all([homeOf(browser), homeOf(browser)])).toEqual([200, 200]);
  expect([asked, await groups()]).toEqual([1, ['astronomy']]);
  clock.move(5 * MINUTE);
  answer = () => {
    throw new Error('nobody answers');
  };
  expect([await homeOf(browser), asked]).toEqual([200, 2]);
  clock.move(5 * MINUTE);
  answer = () => null;
  expect([await homeOf(browser), await homeOf(browser), asked]).toEqual([302, 302, 3]);
  await signInWith(browser, 'ada', 'anything');
  expect([await homeOf(browser), asked]).toEqual([200, 3]);
});

test('before a start the sign-in service is asked again; who may not come in by what it says is not started', async () => {
  let groups = ['astronomy'];
  const authenticator = askable(() => ({ name: 'ada', groups }), groups);
  const config = {
    access: { allowedGroups: ['astronomy'] },
    keepAuthState: true,
    sessions: { refreshAge: '1h', refreshBeforeStart: true },
  };
  await using hub = await loginHub({ authenticator, config });
  const browser = hub.browser();
  await signInWith(browser, 'ada', 'anything');

  expect(await homeOf(browser)).toBe(200);
  groups = [];
  expect((await browser.submit('/hub/home/start', {})).status).toBe(403);
  const ada = await findUser(hub.ctx.db, 'ada');
  expect(await findServer(hub.ctx.db, ada!.id, '')).toBeUndefined();
});
