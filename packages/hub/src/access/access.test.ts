import type { Bar } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { type ApiHubOptions, apiHub, onBothDatabases } from '../api/test-hub.ts';
import { hashToken } from '../keys.ts';
import { routeMessages } from '../routes/routes.service.ts';
import type { TestHub } from '../testing/index.ts';
import { issueToken } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { findUser } from '../users/users.service.ts';

/** What a proxy that listens from now on keeps from servers: `server token` of those that count. */
function listening(hub: TestHub) {
  const bars = new Map<string, number>();
  const gone = new AbortController();
  const take = (said: readonly Bar[] = []) => {
    for (const { serverId, token, until } of said) bars.set(`${serverId} ${token}`, until);
  };
  const run = async () => {
    for await (const message of routeMessages(hub.ctx, 0, gone.signal)) if (message.type !== 'ping') take(message.bars);
  };
  const running = run();
  return {
    has: (server: string, token: string) => (bars.get(`${server} ${hashToken(token)}`) ?? 0) > hub.ctx.clock.now(),
    async [Symbol.asyncDispose]() {
      gone.abort();
      await running;
    },
  };
}

/** A token of theirs for the hub's API, as text. */
async function tokenOf(hub: TestHub, name: string): Promise<string> {
  const user = await findUser(hub.ctx.db, name);
  if (!user) throw new Error(`there is no ${name}`);
  return (await issueToken(hub.ctx, { owner: asUser(user), scopes: ['inherit'], note: 'laptop' })).token;
}

async function world(options: ApiHubOptions) {
  const hub = await apiHub({ ...options, controller: false });
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/users', { usernames: ['ada', 'bob', 'cyd'] });
  await root('POST', '/groups/course', { users: ['bob', 'cyd'] });
  await root('POST', '/shares/ada/', { user: 'bob' });
  const { id: server } = await hub.ctx.db.selectFrom('servers').select('id').executeTakeFirstOrThrow();
  return { hub, root, server, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

const soon = { timeout: 20_000 };

onBothDatabases((on) => {
  test('the proxies hear at once whose tokens a server must not see any more, and of nobody who still may', async () => {
    await using all = await world({ on });
    const { hub, root, server } = all;
    const [bob, cyd, admin] = [await tokenOf(hub, 'bob'), await tokenOf(hub, 'cyd'), await tokenOf(hub, 'root')];
    await using proxy = listening(hub);

    await root('PATCH', '/shares/ada/', { user: 'bob' });
    await expect.poll(() => proxy.has(server, bob), soon).toBe(true);
    await root('POST', '/shares/ada/', { user: 'bob' });
    await expect.poll(() => proxy.has(server, bob), soon).toBe(false);

    // Bob has it twice now: the end of one leaves the other.
    await root('POST', '/shares/ada/', { group: 'course' });
    await root('POST', '/shares/ada/', { user: 'root' });
    await root('DELETE', '/users/bob/shared/ada/');
    await root('DELETE', '/users/root/shared/ada/');
    await root('DELETE', '/groups/course/users', { users: ['cyd'] });
    await expect.poll(() => proxy.has(server, cyd), soon).toBe(true);
    expect([proxy.has(server, bob), proxy.has(server, admin)]).toEqual([false, false]);
    await root('DELETE', '/groups/course');
    await expect.poll(() => proxy.has(server, bob), soon).toBe(true);

    await using second = listening(hub);
    await expect.poll(() => [bob, cyd].every((token) => second.has(server, token)), soon).toBe(true);
  });

  test('who is no administrator any more, or leaves a group whose role reached the server, reaches only what is left', async () => {
    const roles = [{ name: 'tutors', scopes: ['access:servers!user=ada'], groups: ['tutors'] }];
    await using all = await world({ on, config: { roles } });
    const { hub, root, server } = all;
    await hub.ctx.db.updateTable('servers').set({ phase: 'ready' }).execute();
    await root('POST', '/users', { usernames: ['dan'], admin: true });
    await root('POST', '/groups/tutors', { users: ['cyd'] });
    const [dan, cyd, ada] = [await tokenOf(hub, 'dan'), await tokenOf(hub, 'cyd'), await tokenOf(hub, 'ada')];
    await using proxy = listening(hub);

    await root('PATCH', '/users/dan', { admin: false });
    await expect.poll(() => proxy.has(server, dan), soon).toBe(true);
    await root('PATCH', '/users/dan', { admin: true });
    await expect.poll(() => proxy.has(server, dan), soon).toBe(false);
    await root('DELETE', '/groups/tutors/users', { users: ['cyd'] });
    await expect.poll(() => proxy.has(server, cyd), soon).toBe(true);
    expect(proxy.has(server, ada)).toBe(false);
  });

  test('a token that is revoked, or whose owner is deleted, reaches no server', async () => {
    await using all = await world({ on });
    const { hub, root } = all;
    const [bob, cyd] = [await tokenOf(hub, 'bob'), await tokenOf(hub, 'cyd')];
    await using proxy = listening(hub);

    const listed = (await root('GET', '/users/bob/tokens')).body as { api_tokens: { id: string }[] };
    await root('DELETE', `/users/bob/tokens/${listed.api_tokens[0]?.id}`);
    await expect.poll(() => proxy.has('', bob), soon).toBe(true);
    expect((await root('DELETE', '/users/cyd')).status).toBe(204);
    await expect.poll(() => proxy.has('', cyd), soon).toBe(true);
  });
});
