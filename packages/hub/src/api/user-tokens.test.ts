import { expect, test } from 'vitest';
import { HUB_CLIENT, issueToken } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { findUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases, PASSWORD } from './test-hub.ts';

interface Issued {
  id: string;
  token: string;
  scopes: string[];
}

onBothDatabases((on) => {
  test('nobody fills the hub with tokens: not in number, not in length, and an application’s oldest give way', async () => {
    await using hub = await apiHub({ on, controller: false });
    const { db } = hub.ctx;
    const ada = await hub.api({ name: 'ada' });
    const user = (await findUser(db, 'ada'))!;
    const row = { user_id: user.id, client_id: HUB_CLIENT, session_id: null, created: 0, expires_at: null };
    const many = Array.from({ length: 999 }, (_, at) => ({ ...row, hash: `h${at}`, note: '', scopes: '[]' }));

    await db.insertInto('api_tokens').values(many).execute();
    for (let at = 0; at < 102; at += 1) {
      await issueToken(hub.ctx, {
        owner: asUser(user),
        scopes: [],
        note: `${at}`,
        clientId: 'service-x',
        expiresIn: 60,
      });
    }
    const kept = await db.selectFrom('api_tokens').select('note').where('client_id', '=', 'service-x').execute();

    expect(await ada('POST', '/users/ada/tokens')).toMatchObject({ status: 400, body: { code: 'limit_reached' } });
    expect([kept.length, kept[0]?.note]).toEqual([100, '2']);
    const scopes = Array.from({ length: 1_000 }, (_, at) => `servers!server=ada/${at}`);
    expect(await ada('POST', '/users/ada/tokens', { scopes })).toMatchObject({
      status: 400,
      body: { message: 'A token cannot have so many scopes.' },
    });
  });

  test('a token is made, listed, used, read and revoked', async () => {
    await using hub = await apiHub({ on, controller: false });
    const ada = await hub.api({ name: 'ada' });

    const made = await ada('POST', '/users/ada/tokens', {
      note: 'laptop',
      expires_in: 3600,
      scopes: ['read:users!user'],
    });
    const { id, token } = made.body as Issued;
    expect(made).toMatchObject({
      status: 201,
      body: {
        user: 'ada',
        id: expect.stringMatching(/^a\d+$/),
        kind: 'api_token',
        roles: [],
        note: 'laptop',
        token: expect.stringMatching(/^[0-9a-f]{32}$/),
        oauth_client: 'JupyterHub',
        session_id: null,
        last_activity: null,
        expires_at: expect.stringMatching(/Z$/),
        scopes: [
          'read:users!user=ada',
          'read:users:activity!user=ada',
          'read:users:groups!user=ada',
          'read:users:name!user=ada',
        ],
      },
    });
    const stored = await hub.ctx.db.selectFrom('api_tokens').selectAll().execute();
    expect(JSON.stringify(stored)).not.toContain(token);

    const who = await fetch(`${hub.origin}/hub/api/user`, { headers: { authorization: `Bearer ${token}` } });
    expect(await who.json()).toMatchObject({ name: 'ada', token_id: id, session_id: null });
    expect((await ada('GET', '/users/ada/tokens')).body).toMatchObject({
      api_tokens: expect.arrayContaining([expect.objectContaining({ id, note: 'laptop' })]),
    });
    await expect
      .poll(async () => (await ada('GET', `/users/ada/tokens/${id}`)).body, { timeout: 5_000 })
      .toMatchObject({ id, last_activity: expect.stringMatching(/Z$/) });
    expect((await ada('DELETE', `/users/ada/tokens/${id}`)).status).toBe(204);
    expect((await ada('DELETE', `/users/ada/tokens/${id}`)).status).toBe(404);
    expect((await fetch(who.url, { headers: { authorization: `token ${token}` } })).status).toBe(403);
  });

  test('an expired token is nobody', async () => {
    const time = { at: Date.UTC(2026, 0, 1) };
    const clock = { now: () => time.at, sleep: (ms: number, signal?: AbortSignal) => never(ms, signal) };
    await using hub = await apiHub({ on, controller: false, clock });
    const ada = await hub.api({ name: 'ada' });
    const { token, id } = (await ada('POST', '/users/ada/tokens', { expires_in: 60 })).body as Issued;
    const use = () => fetch(`${hub.origin}/hub/api/user`, { headers: { authorization: `token ${token}` } });

    expect((await use()).status).toBe(200);
    time.at += 60_000;

    expect((await use()).status).toBe(403);
    expect((await ada('GET', `/users/ada/tokens/${id}`)).status).toBe(404);
  });
});

function never(_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

test.each([
  [{ expires_in: 0 }, 400],
  [{ expires_in: -1 }, 400],
  [{ expires_in: 1.5 }, 400],
  [{ expires_in: '60' }, 400],
  [{ expires_in: null }, 201],
  [{ expires_in: 1001 }, 400],
  [{ scopes: ['all'] }, 400],
  [{ scopes: ['no:such'] }, 400],
  [{ scopes: ['read:users!planet=x'] }, 400],
  [{ scopes: ['admin:users'] }, 400],
  [{ scopes: ['servers!user=bob'] }, 400],
  [{ scopes: ['self'] }, 201],
  [{ roles: ['token'] }, 201],
  [{ roles: ['emperor'] }, 400],
  [{ roles: ['token'], scopes: ['self'] }, 400],
  [{ shoe: 44 }, 400],
  [[], 400],
])('asking for a token with %j is answered %i', async (body, status) => {
  await using hub = await apiHub({ controller: false, config: { tokens: { maxExpiresIn: 1000 } } });
  const ada = await hub.api({ name: 'ada' });

  expect((await ada('POST', '/users/ada/tokens', body)).status).toBe(status);
});

test('a token with no scopes says who its owner is and nothing else', async () => {
  await using hub = await apiHub({ controller: false });
  const ada = await hub.api({ name: 'ada' }, []);

  expect(await ada('GET', '/user')).toMatchObject({
    status: 200,
    body: {
      name: 'ada',
      kind: 'user',
      groups: [],
      admin: false,
      scopes: ['read:users:groups!user=ada', 'read:users:name!user=ada'],
    },
  });
  expect((await ada('GET', '/users/ada/tokens')).status).toBe(403);
  expect((await ada('POST', '/users/ada/tokens')).status).toBe(403);
});

test('an administrator makes tokens for others, who are named in the note; others are refused', async () => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true });
  const bob = await hub.api({ name: 'bob' });
  await hub.api({ name: 'ada' });

  expect(await admin('POST', '/users/ada/tokens')).toMatchObject({
    status: 201,
    body: { user: 'ada', note: 'Requested via api by user root' },
  });
  expect(await admin('POST', '/users/ada/tokens', { scopes: ['admin:users'] })).toMatchObject({ status: 400 });
  for (const name of ['ada', 'nobody']) {
    expect(await bob('POST', `/users/${name}/tokens`)).toMatchObject({
      status: 403,
      body: { message: `User ${name} not found or no permissions to generate tokens` },
    });
  }
});

test('name and password in the body are enough to make a token', async () => {
  await using hub = await apiHub({ controller: false });
  await hub.api({ name: 'ada' });
  const ask = (body: object) =>
    fetch(`${hub.origin}/hub/api/users/ada/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  expect((await ask({ auth: { username: 'ada', password: PASSWORD } })).status).toBe(201);
  expect((await ask({ auth: { username: 'ada', password: 'wrong' } })).status).toBe(403);
  expect((await ask({ auth: { username: 'bob', password: PASSWORD } })).status).toBe(403);
  expect((await ask({})).status).toBe(403);
});

test('a blocked person keeps no token that works', async () => {
  await using hub = await apiHub({ controller: false });
  const ada = await hub.api({ name: 'ada' });
  await hub.ctx.db.updateTable('users').set({ blocked: 1 }).where('name', '=', 'ada').execute();

  expect((await ada('GET', '/user')).status).toBe(403);
});
