import { expect } from 'vitest';
import { eventually } from '../client.ts';
import { section } from '../suite.ts';
import { BADGE_TOKEN, PASSWORD } from '../world.ts';

export const tokens = section('REST, tokens and activity', (row) => {
  row(['3.7/token-create', '3.7/token-note'], async ({ main }) => {
    const one = await main.person();
    const made = await main.root('POST', `/users/${one}/tokens`);
    expect([made.status, made.json()]).toMatchObject([
      201,
      { user: one, kind: 'api_token', note: 'Requested via api by service root', expires_at: null },
    ]);
    expect(made.json().token).toMatch(/^[0-9a-f]{32}$/);
    const own = await main.as(made.json().token)('POST', `/users/${one}/tokens`, {});
    expect(own.json().note).toBe('Requested via api');
    const ada = await main.as(await main.token('ada'))('POST', `/users/${one}/tokens`);
    expect(ada.json().note).toBe('Requested via api by user ada');
    const noted = await main.root('POST', `/users/${one}/tokens`, { note: 'for the course' });
    expect(noted.json().note).toBe('for the course');
  });

  row('3.7/token-expiry', async ({ main }) => {
    const one = await main.person();
    const make = (expires_in: unknown) => main.root('POST', `/users/${one}/tokens`, { expires_in });
    for (const bad of [-1, 1.5, 'soon']) expect([bad, (await make(bad)).status]).toEqual([bad, 400]);
    expect((await make(null)).json().expires_at).toBeNull();
    const { created, expires_at } = (await make(3600)).json();
    expect(Math.round((Date.parse(expires_at) - Date.parse(created)) / 1000)).toBe(3600);
  });

  row('3.7/token-expiry-zero', async ({ main }) => {
    const one = await main.person();
    expect((await main.root('POST', `/users/${one}/tokens`, { expires_in: 0 })).status).toBe(400);
  });

  row('3.7/token-expiry-most', async ({ strict }) => {
    const one = await strict.person();
    const make = (body: object) => strict.root('POST', `/users/${one}/tokens`, body);
    for (const body of [{}, { expires_in: null }]) {
      const { created, expires_at } = (await make(body)).json();
      expect(Math.round((Date.parse(expires_at) - Date.parse(created)) / 1000)).toBe(3600);
    }
    const long = await make({ expires_in: 3601 });
    expect([long.status, long.json().message]).toEqual([400, expect.stringContaining('must not exceed')]);
    expect((await make({ expires_in: 3600 })).status).toBe(201);
  });

  row(['3.7/token-scopes', '3.7/token-no-scopes'], async ({ main }) => {
    const one = await main.person();
    const make = (scopes: unknown) => main.root('POST', `/users/${one}/tokens`, { scopes });
    const beyond = await make(['admin:users']);
    expect([beyond.status, beyond.json().message]).toEqual([
      400,
      expect.stringMatching(/^Not assigning requested scopes /),
    ]);
    for (const scopes of [['no:such'], ['all'], ['read:users!planet=x']]) {
      expect([scopes, (await make(scopes)).status]).toEqual([scopes, 400]);
    }
    const { token } = (await make([])).json();
    expect((await main.as(token)('GET', '/user')).json()).toMatchObject({ name: one });
    expect((await main.as(token)('GET', `/users/${one}/tokens`)).status).toBe(403);
  });

  row(['3.7/token-roles', '3.7/token-inherit'], async ({ main }) => {
    const one = await main.person();
    const make = (body: object) => main.root('POST', `/users/${one}/tokens`, body);
    expect((await make({ roles: ['server'] })).status).toBe(201);
    expect((await make({ roles: ['no-such-role'] })).status).toBe(400);
    expect((await make({ roles: ['user'], scopes: ['self'] })).status).toBe(400);
    const inherits = main.as((await make({})).json().token);
    expect((await inherits('GET', `/users/${one}/tokens`)).status).toBe(200);
  });

  row('3.5/tokens-sorted', async ({ main }) => {
    const one = await main.person();
    const [first, second] = [await main.token(one, { note: 'first' }), await main.token(one, { note: 'second' })];
    const listed = async () =>
      (await main.root('GET', `/users/${one}/tokens`))
        .json()
        .api_tokens.filter(({ last_activity: used }: { last_activity: string | null }) => used !== null)
        .map(({ note }: { note: string }) => note);
    expect(await listed()).toEqual([]);
    for (const [token, seen] of [
      [second, ['second']],
      [first, ['second', 'first']],
    ] as const) {
      expect((await main.as(token)('GET', '/user')).status).toBe(200);
      await eventually(listed, (notes) => notes.length === seen.length);
      expect(await listed()).toEqual(seen);
    }
  });

  row('3.5/tokens-expired', async ({ main }) => {
    const one = await main.person();
    const token = await main.token(one, { note: 'short', expires_in: 1 });
    await eventually(
      async () => (await main.as(token)('GET', '/user')).status,
      (status) => status === 403,
    );
    expect((await main.root('GET', `/users/${one}/tokens`)).json().api_tokens).toEqual([]);
  });

  row('3.7/token-for-missing', async ({ main }) => {
    const [one, other] = await Promise.all([main.person(), main.person()]);
    const as = main.as(await main.token(one));
    for (const target of [other, 'nobody-of-this-name']) {
      const refused = await as('POST', `/users/${target}/tokens`);
      const message = `User ${target} not found or no permissions to generate tokens`;
      expect([refused.status, refused.json().message]).toEqual([403, message]);
    }
    const service = await main.root('POST', '/users/nobody-of-this-name/tokens');
    const message = 'Service nobody-of-this-name not found or no permissions to generate tokens';
    expect([service.status, service.json().message]).toEqual([403, message]);
  });

  row('3.7/token-filtered-service', async ({ main }) => {
    const [one, other] = await Promise.all([main.person(), main.person()]);
    await main.root('POST', '/groups/badged/users', { users: [one] });
    const as = main.as(BADGE_TOKEN);
    expect((await as('POST', `/users/${one}/tokens`)).status).toBe(201);
    expect((await as('POST', `/users/${other}/tokens`)).status).toBe(403);
  });

  row('3.7/token-auth', async ({ main }) => {
    const one = await main.person();
    const ask = (password: string) =>
      main.nobody('POST', `/users/${one}/tokens`, { auth: { username: one, password }, note: 'by password' });
    const made = await ask(PASSWORD);
    expect([made.status, made.json()]).toMatchObject([201, { user: one, note: 'by password' }]);
    expect((await main.as(made.json().token)('GET', '/user')).json().name).toBe(one);
    expect((await ask('wrong')).status).toBe(403);
  });

  row('3.7/activity', async ({ main }) => {
    const one = await main.person();
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    const later = at(1_000_000);
    const post = (body: unknown) => main.root('POST', `/users/${one}/activity`, body);
    const seen = async () => Date.parse((await main.root('GET', `/users/${one}`)).json().last_activity);
    const first = await post({ last_activity: later });
    expect([first.status, first.text]).toEqual([200, '']);
    expect(await seen()).toBe(Date.parse(later));
    expect((await post({ last_activity: at(0) })).status).toBe(200);
    expect(await seen()).toBe(Date.parse(later));
  });

  row('3.7/activity-seen', async ({ strict }) => {
    const one = await strict.person();
    const as = strict.as(await strict.token(one));
    const seen = async () => (await strict.root('GET', `/users/${one}`)).json().last_activity;
    const before = await seen();
    await as('GET', '/user');
    const first = await eventually(seen, (time) => time !== null);
    for (let count = 0; count < 5; count += 1) await as('GET', '/user');
    expect(await seen()).toBe(first);
    if (before !== null) expect(Date.parse(first)).toBeGreaterThanOrEqual(Date.parse(before));
  });

  row(['3.7/activity-server', '3.7/activity-no-server'], async ({ main }) => {
    const one = await main.person();
    await main.start(one, 'two');
    const later = new Date(Date.now() + 1_000_000).toISOString();
    const post = (servers: object) => main.root('POST', `/users/${one}/activity`, { servers });
    expect((await post({ two: { last_activity: later } })).status).toBe(200);
    const { servers } = (await main.root('GET', `/users/${one}`)).json();
    expect(Date.parse(servers.two.last_activity)).toBe(Date.parse(later));
    const missing = await post({ three: { last_activity: later } });
    expect([missing.status, missing.json().message]).toEqual([400, `No such server 'three' for user ${one}`]);
  });

  row(['3.7/activity-invalid', '3.7/activity-future'], async ({ main }) => {
    const one = await main.person();
    const post = (body: unknown) => main.root('POST', `/users/${one}/activity`, body);
    for (const body of [{}, [], { servers: { '': {} } }, { servers: ['x'] }]) {
      expect([body, (await post(body)).status]).toEqual([body, 400]);
    }
    const bad = await post({ last_activity: 'x' });
    expect([bad.status, bad.json().message]).toEqual([400, "Not a valid timestamp: 'x'"]);
    const ahead = (minutes: number) => ({ last_activity: new Date(Date.now() + minutes * 60_000).toISOString() });
    expect((await post(ahead(61))).status).toBe(400);
    expect((await post(ahead(57))).status).toBe(200);
  });
});
