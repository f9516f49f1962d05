import { expect, test } from 'vitest';
import { apiHub } from '../api/test-hub.ts';
import { issueToken } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { findUser } from '../users/users.service.ts';

test('what the proxy asks again is done once: a start is ready, a new user is refused as doubtful', async () => {
  await using hub = await apiHub();
  const root = await hub.api({ name: 'root', admin: true });
  const user = await findUser(hub.ctx.db, 'root');
  const { token } = await issueToken(hub.ctx, { owner: asUser(user!), scopes: ['inherit'], note: 'test' });
  const again = (method: string, path: string) => {
    const headers = { authorization: `token ${token}`, 'x-atrium-repeat': '1' };
    return fetch(`${hub.origin}/hub/api${path}`, { method, headers });
  };
  expect((await root('POST', '/users/root/server')).status).toBe(201);

  const start = await again('POST', '/users/root/server');
  const create = await again('POST', '/users/bob');
  const stop = await again('DELETE', '/users/root/server');

  expect(start.status).toBe(201);
  expect((await root('POST', '/users/root/server')).status).toBe(201);
  expect(create.status).toBe(502);
  expect(await create.json()).toMatchObject({ code: 'hub_broke_off' });
  expect((await root('GET', '/users/bob')).status).toBe(404);
  expect(stop.status).toBe(204);
});

test('a start that is asked for twice by a person is still told apart', async () => {
  await using hub = await apiHub();
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/users/root/server');

  expect(await root('POST', '/users/root/server')).toMatchObject({ status: 400, body: { code: 'already_running' } });
});
