import { expect, test } from 'vitest';
import { currentBars } from '../access/bars.service.ts';
import { type ApiHubOptions, apiHub, onBothDatabases } from '../api/test-hub.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { findUser } from '../users/users.service.ts';
import { endShares } from './shares.service.ts';

const ACCESS = 'access:servers!server=ada/';
const NOT_FOUND = { message: 'No access to resources or resources not found' };

/** Ada may share; bob and cyd are there, and a group that cyd is in. */
async function world(options: ApiHubOptions = {}) {
  const hub = await apiHub({
    ...options,
    config: {
      namedServers: { limit: 3 },
      roles: [
        {
          name: 'sharer',
          scopes: ['shares!user', 'read:users:name', 'read:groups:name'],
          users: ['ada'],
          groups: [],
          services: [],
        },
      ],
      ...options.config,
    },
  });
  const root = await hub.api({ name: 'root', admin: true });
  const ada = await hub.api({ name: 'ada' });
  const bob = await hub.api({ name: 'bob' });
  const cyd = await hub.api({ name: 'cyd' });
  await root('POST', '/groups/course', { users: ['cyd'] });
  expect((await ada('PUT', '/users/ada/servers/thesis', {})).status).toBe(201);
  const scopesOf = async (who: typeof ada) => ((await who('GET', '/user')).body as { scopes: string[] }).scopes;
  return { hub, root, ada, bob, cyd, scopesOf, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

const page = (items: unknown[], total = items.length) => ({
  items,
  _pagination: { offset: 0, limit: expect.any(Number), total, next: null },
});

onBothDatabases((on) => {
  test('[3.10 POST shares] gives access, merges, is listed, and ends by PATCH, DELETE and leaving', async () => {
    await using all = await world({ on, controller: false });
    const { ada, bob, cyd, scopesOf } = all;
    const access = 'access:servers!server=ada/thesis';
    expect(await scopesOf(bob)).not.toContain(access);

    const made = await ada('POST', '/shares/ada/thesis', { user: 'bob' });
    expect(made).toMatchObject({
      status: 200,
      body: {
        server: { user: { name: 'ada' }, name: 'thesis', url: '/user/ada/thesis/', full_url: null, ready: false },
        scopes: [access],
        user: { name: 'bob' },
        group: null,
        kind: 'user',
        created_at: expect.stringMatching(/Z$/),
      },
    });
    expect(await scopesOf(bob)).toContain(access);
    expect(await scopesOf(cyd)).not.toContain(access);
    const more = { user: 'bob', scopes: ['read:servers!server=ada/thesis'] };
    // Ada's role does not give her token `read:servers`, being herself does.
    expect(await ada('POST', '/shares/ada/thesis', more)).toMatchObject({
      status: 200,
      body: { scopes: [access, 'read:servers!server=ada/thesis'] },
    });
    expect(await ada('POST', '/shares/ada/thesis', { group: 'course' })).toMatchObject({
      status: 200,
      body: { kind: 'group', user: null, group: { name: 'course' } },
    });
    expect(await scopesOf(cyd)).toContain(access);

    const [toBob, toCourse] = [expect.objectContaining({ kind: 'user' }), expect.objectContaining({ kind: 'group' })];
    for (const path of ['/shares/ada', '/shares/ada/thesis']) {
      expect((await ada('GET', path)).body).toEqual(page([toBob, toCourse]));
    }
    expect((await ada('GET', '/shares/ada/thesis?limit=1')).body).toEqual({
      items: [toBob],
      _pagination: {
        offset: 0,
        limit: 1,
        total: 2,
        next: { offset: 1, limit: 1, url: expect.stringContaining('/hub/api/shares/ada/thesis?limit=1&offset=1') },
      },
    });
    expect((await ada('GET', '/shares/ada/')).body).toEqual(page([]));
    expect((await bob('GET', '/users/bob/shared')).body).toEqual(page([toBob]));
    expect((await cyd('GET', '/users/cyd/shared')).body).toEqual(page([toCourse]));
    expect((await all.root('GET', '/groups/course/shared')).body).toEqual(page([toCourse]));
    expect(await bob('GET', '/users/bob/shared/ada/thesis')).toMatchObject({ status: 200, body: { kind: 'user' } });
    expect(await cyd('GET', '/users/cyd/shared/ada/thesis')).toMatchObject({
      status: 404,
      body: { message: 'No such share for user cyd on ada/thesis' },
    });

    const some = { user: 'bob', scopes: ['read:servers!server=ada/thesis'] };
    expect(await ada('PATCH', '/shares/ada/thesis', some)).toMatchObject({ status: 200, body: { scopes: [access] } });
    expect(await ada('PATCH', '/shares/ada/thesis', { user: 'bob' })).toMatchObject({ status: 200, body: {} });
    expect(await scopesOf(bob)).not.toContain(access);
    expect(await ada('PATCH', '/shares/ada/thesis', { user: 'nobody' })).toMatchObject({ status: 200, body: {} });

    await ada('POST', '/shares/ada/thesis', { user: 'bob' });
    expect((await bob('DELETE', '/users/bob/shared/ada/thesis')).status).toBe(204);
    expect((await bob('DELETE', '/users/bob/shared/ada/thesis')).status).toBe(404);
    expect((await all.root('DELETE', '/groups/course/shared/ada/thesis')).status).toBe(204);
    expect(await scopesOf(cyd)).not.toContain(access);

    await ada('POST', '/shares/ada/thesis', { user: 'bob' });
    await ada('POST', '/shares/ada/thesis', { group: 'course' });
    expect((await ada('DELETE', '/shares/ada/thesis')).status).toBe(204);
    expect((await ada('GET', '/shares/ada')).body).toEqual(page([]));
    expect(await all.root('GET', '/atrium/audit?action=share.grant&limit=1')).toMatchObject({
      status: 200,
      body: { items: [{ by: { name: 'ada' }, of: { kind: 'server', owner: 'ada' }, detail: { group: 'course' } }] },
    });
  });

  test('[3.10 rules] what may be shared, by whom, with whom', async () => {
    await using all = await world({ on, controller: false });
    const { ada, bob, root } = all;
    const refused = async (status: number, message: unknown, body: unknown, path = '/shares/ada/') =>
      expect(await ada('POST', path, body)).toMatchObject({ status, body: { message } });

    expect(await ada('POST', '/shares/ada/', { user: 'bob' })).toMatchObject({
      status: 200,
      body: { scopes: [ACCESS] },
    });
    await refused(400, expect.stringContaining('not both'), { user: 'bob', group: 'course' });
    await refused(400, expect.stringContaining('exactly one'), {});
    await refused(400, expect.stringContaining('Invalid JSON keys: expires'), { user: 'bob', expires: 1 });
    await refused(400, 'No such user: nobody', { user: 'nobody' });
    await refused(400, 'No such group: nothing', { group: 'nothing' });
    await refused(400, expect.stringContaining('does not exist'), { user: 'bob', scopes: ['fly'] });
    await refused(400, expect.stringContaining('only !server=ada/'), {
      user: 'bob',
      scopes: ['access:servers!server=ada/thesis'],
    });
    await refused(400, expect.stringContaining('only !server=ada/'), {
      user: 'bob',
      scopes: ['access:servers!user=ada'],
    });
    await refused(400, "You can't share with yourself!", { user: 'ada' });
    await refused(403, 'Do not have permission to grant share with scope admin:servers!server=ada/', {
      user: 'bob',
      scopes: ['admin:servers'],
    });
    await refused(404, 'No such server: ada/nothing', { user: 'bob' }, '/shares/ada/nothing');
    for (const method of ['POST', 'PATCH', 'DELETE']) expect((await root(method, '/shares/ada', {})).status).toBe(405);

    // Everybody sees whom they share with; sharing has to be allowed.
    expect((await bob('GET', '/shares/bob')).status).toBe(200);
    expect((await bob('POST', '/shares/bob/', { user: 'ada' })).status).toBe(403);
    expect(await ada('POST', '/shares/bob/', { user: 'cyd' })).toMatchObject({ status: 404, body: NOT_FOUND });
    expect(await ada('GET', '/users/bob/shared')).toMatchObject({ status: 404, body: NOT_FOUND });
    const blind = await all.hub.api({ name: 'ada' }, ['shares!user']);
    expect(await blind('POST', '/shares/ada/', { user: 'cyd' })).toMatchObject({
      status: 403,
      body: { message: "Need scope 'read:users:name' to share with users by name" },
    });
    expect(await blind('POST', '/shares/ada/', { group: 'course' })).toMatchObject({
      status: 403,
      body: { message: "Need scope 'read:groups:name' to share with groups by name" },
    });
    expect((await root('GET', '/groups/nothing/shared')).status).toBe(404);
    expect((await root('GET', '/shares/nobody')).status).toBe(404);
  });

  test('[3.10 codes] are shown once, listed without the code, and end', async () => {
    const clock = shiftedClock(Date.now());
    await using all = await world({ on, controller: false, clock });
    const { ada } = all;
    const made = await ada('POST', '/share-codes/ada/thesis', { expires_in: 3600 });
    const { code, ...rest } = made.body as Record<string, string>;
    expect(made.status).toBe(200);
    expect(code).toMatch(/^[\w-]{43}$/);
    expect(rest).toMatchObject({
      id: expect.stringMatching(/^sc_\d+$/),
      scopes: ['access:servers!server=ada/thesis'],
      exchange_count: 0,
      last_exchanged_at: null,
      accept_url: `/hub/accept-share?code=${code}`,
      full_accept_url: null,
      server: { name: 'thesis' },
    });
    expect(Date.parse(rest.expires_at ?? '') - Date.parse(rest.created_at ?? '')).toBe(3_600_000);
    const stored = JSON.stringify(await all.hub.ctx.db.selectFrom('share_codes').selectAll().execute());
    expect(stored).not.toContain(code);
    const { body } = await ada('GET', '/share-codes/ada/thesis');
    expect(JSON.stringify(body)).not.toContain(code);
    expect(body).toEqual(page([expect.objectContaining({ id: rest.id })]));
    expect((await ada('POST', '/share-codes/ada/')).status).toBe(200);
    expect((await ada('GET', '/share-codes/ada')).body).toMatchObject({ _pagination: { total: 2 } });

    for (const expiresIn of [59, 31_536_001, 1.5, 'long', -60]) {
      expect((await ada('POST', '/share-codes/ada/', { expires_in: expiresIn })).status).toBe(400);
    }
    expect((await ada('POST', '/share-codes/ada/nothing')).status).toBe(404);
    expect((await ada('POST', '/share-codes/ada/', { scopes: ['admin:servers'] })).status).toBe(403);
    expect((await ada('POST', '/share-codes/ada')).status).toBe(405);
    expect(await ada('DELETE', '/share-codes/ada/thesis?id=sc_0')).toMatchObject({
      status: 404,
      body: { message: 'No code found matching id=sc_0' },
    });
    expect(await ada('DELETE', '/share-codes/ada/?code=abc')).toMatchObject({
      status: 404,
      body: { message: 'No matching code found' },
    });
    // Of another server.
    expect((await ada('DELETE', `/share-codes/ada/?id=${rest.id}`)).status).toBe(404);
    expect((await ada('DELETE', `/share-codes/ada/thesis?id=${rest.id}`)).status).toBe(204);
    const second = (await ada('POST', '/share-codes/ada/thesis')).body as { code: string };
    expect((await ada('DELETE', `/share-codes/ada/thesis?code=${second.code}`)).status).toBe(204);
    expect((await ada('DELETE', '/share-codes/ada/')).status).toBe(204);
    expect((await ada('GET', '/share-codes/ada')).body).toEqual(page([]));

    await ada('POST', '/share-codes/ada/', { expires_in: 60 });
    clock.move(61_000);
    expect((await ada('GET', '/share-codes/ada/')).body).toEqual(page([]));
  });

  test('a share that ends at a time is taken away then: whoever is connected by it is told to the proxies', async () => {
    const clock = shiftedClock(Date.now());
    await using all = await world({ on, controller: false, clock });
    const { hub, ada, root, scopesOf, bob } = all;
    const { ctx } = hub;
    for (const receiver of [{ user: 'bob' }, { group: 'course' }, { user: 'root' }]) {
      expect((await ada('POST', '/shares/ada/thesis', receiver)).status).toBe(200);
    }
    expect((await ada('POST', '/shares/ada/', { user: 'bob' })).status).toBe(200);
    const thesis =
      (await ctx.db.selectFrom('servers').select('id').where('name', '=', 'thesis').execute())[0]?.id ?? '';
    const of = async (name: string) => (await findUser(ctx.db, name))?.id ?? 0;
    const endsAt = clock.now() + 60_000;
    // As an import writes them; nothing else gives a share an end.
    await ctx.db.updateTable('shares').set({ expires_at: endsAt }).where('server_id', '=', thesis).execute();
    let told = 0;
    ctx.wakeups.on('routes', () => {
      told += 1;
    });
    /** Whose tokens are kept from which servers. */
    const barred = async () => {
      const bars = await currentBars(ctx.db, clock.now());
      const tokens = await ctx.db.selectFrom('api_tokens').select(['hash', 'user_id']).execute();
      return bars.map(({ serverId, token }) => [serverId, tokens.find(({ hash }) => hash === token)?.user_id]);
    };

    await endShares(ctx);
    expect(await barred()).toEqual([]);
    expect(await scopesOf(bob)).toContain('access:servers!server=ada/thesis');

    clock.move(60_000);
    // What tidies up codes leaves the shares to whoever settles them.
    await ada('POST', '/share-codes/ada/');
    // Not in the group any more when its share is looked at, and connected all the same.
    expect(await barred()).toEqual([]);
    await root('DELETE', '/groups/course/users', { users: ['cyd'] });
    expect(await barred()).toEqual([[thesis, await of('cyd')]]);
    await ada('POST', '/shares/ada/thesis', { user: 'bob' });
    await ctx.db
      .updateTable('shares')
      .set({ expires_at: endsAt })
      .where('server_id', '=', thesis)
      .where('user_id', '=', await of('bob'))
      .execute();
    told = 0;
    await endShares(ctx);

    // An administrator may without any share; bob's other one does not end.
    expect((await barred()).sort()).toEqual(
      [
        [thesis, await of('bob')],
        [thesis, await of('cyd')],
      ].sort(),
    );
    await expect.poll(() => told).toBeGreaterThan(0);
    expect(await scopesOf(bob)).toContain(ACCESS);
    expect((await root('GET', '/shares/ada')).body).toEqual(page([expect.objectContaining({ scopes: [ACCESS] })]));
    expect(await ctx.db.selectFrom('shares').select('expires_at').execute()).toEqual([{ expires_at: null }]);
    expect((await root('GET', '/atrium/audit?action=share.revoke')).body).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({
          by: expect.objectContaining({ kind: 'hub' }),
          detail: { user: 'bob', scopes: ['access:servers'], ended: true },
        }),
      ]),
    });

    // Given again, it is open again.
    await ada('POST', '/shares/ada/thesis', { user: 'bob' });
    expect(await barred()).toEqual([[thesis, await of('cyd')]]);
    await endShares(ctx);
    expect(await scopesOf(bob)).toContain('access:servers!server=ada/thesis');
  });

  test('a hub that runs ends them by itself, also those whose time came while none did', async () => {
    await using all = await world({ on, controller: false });
    const { hub, ada } = all;
    await ada('POST', '/shares/ada/thesis', { user: 'bob' });
    await hub.ctx.db
      .updateTable('shares')
      .set({ expires_at: Date.now() - 1 })
      .execute();

    hub.hub.startController();

    const left = () => hub.ctx.db.selectFrom('shares').select('id').execute();
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
  });

  test('shares follow renames, and go with the server, the person and the group', async () => {
    await using all = await world({ on, controller: false });
    const { ada, bob, cyd, root, scopesOf } = all;
    await ada('POST', '/shares/ada/thesis', { user: 'bob' });
    await ada('POST', '/shares/ada/thesis', { group: 'course' });
    await ada('POST', '/shares/ada/', { user: 'bob' });

    await root('PATCH', '/users/ada', { name: 'ada-2' });
    expect(await scopesOf(bob)).toEqual(
      expect.arrayContaining(['access:servers!server=ada-2/', 'access:servers!server=ada-2/thesis']),
    );
    expect((await root('GET', '/shares/ada-2/thesis')).body).toMatchObject({
      items: [{ server: { user: { name: 'ada-2' }, url: '/user/ada-2/thesis/' } }, { group: { name: 'course' } }],
    });
    await root('PATCH', '/users/ada-2/servers/thesis', { name: 'book' });
    expect(await scopesOf(cyd)).toContain('access:servers!server=ada-2/book');

    await root('DELETE', '/groups/course/users', { users: ['cyd'] });
    expect(await scopesOf(cyd)).not.toContain('access:servers!server=ada-2/book');
    await root('POST', '/groups/course/users', { users: ['cyd'] });
    expect(await scopesOf(cyd)).toContain('access:servers!server=ada-2/book');
    await root('DELETE', '/groups/course');
    await root('POST', '/groups/course', { users: ['cyd'] });
    expect(await scopesOf(cyd)).not.toContain('access:servers!server=ada-2/book');
    expect((await root('DELETE', '/users/ada-2/servers/book', { remove: true })).status).toBe(204);
    expect((await root('GET', '/users/bob/shared')).body).toMatchObject({ items: [{ server: { name: '' } }] });
    expect((await root('DELETE', '/users/ada-2')).status).toBe(204);
    expect((await root('GET', '/users/bob/shared')).body).toEqual(page([]));
    expect(await scopesOf(bob)).not.toContain('access:servers!server=ada-2/');
  });
});
