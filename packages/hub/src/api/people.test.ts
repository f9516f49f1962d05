import { password } from '@atrium/auth-password';
import { expect, test } from 'vitest';
import { addToGroup, createGroup } from '../groups/groups.service.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { findUser, updateUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

interface People {
  total: number;
  items: { name: string; servers: { key: string; phase: string }[] }[];
}

onBothDatabases((on) => {
  test('people are found by name, group and account, and only those whom the scopes cover', async () => {
    await using hub = await apiHub({ on });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users', { usernames: ['ada', 'adam', 'bob', '=cmd'] });
    await createGroup(hub.ctx, 'physics', ['ada', 'bob']);
    const bob = await findUser(hub.ctx.db, 'bob');
    await updateUser(hub.ctx.db, bob?.id ?? 0, { pending: true });
    await root('POST', '/users/ada/server');
    const names = async (query: string, api = root) => {
      const { status, body } = await api('GET', `/atrium/people?${query}`);
      expect(status, JSON.stringify(body)).toBe(200);
      return (body as People).items.map(({ name }) => name);
    };

    expect(await names('')).toEqual(['=cmd', 'ada', 'adam', 'bob', 'root']);
    expect(await names('q=ADA&sort=-name')).toEqual(['adam', 'ada']);
    expect(await names('group=physics')).toEqual(['ada', 'bob']);
    expect(await names('account=waiting')).toEqual(['bob']);
    expect(await names('account=admin')).toEqual(['root']);
    expect(await names('state=active')).toEqual(['ada']);
    expect(await root('GET', '/atrium/people?limit=2&offset=1')).toMatchObject({
      body: { total: 5, items: [{ name: 'ada', groups: ['physics'], servers: [{ key: 'ada/' }] }, { name: 'adam' }] },
    });
    const staff = await hub.api({ name: 'root' }, ['list:users!group=physics', 'read:users', 'read:servers!user=bob']);
    expect(await names('', staff)).toEqual(['ada', 'bob']);
    expect((await staff('GET', '/atrium/people')).body).toMatchObject({ items: [{ servers: [] }, { servers: [] }] });
    const namesOnly = await hub.api({ name: 'root' }, ['list:users']);
    expect((await namesOnly('GET', '/atrium/people')).status).toBe(403);
    expect((await root('GET', '/atrium/people?limit=9999')).status).toBe(400);
    const csv = await root('GET', '/atrium/people.csv?columns=name,admin,groups');
    expect(csv.body).toBe(
      'name,admin,groups\r\n"\'=cmd",no,\r\nada,no,physics\r\nadam,no,\r\nbob,no,physics\r\nroot,yes,\r\n',
    );
    expect((await root('GET', '/atrium/people.csv?columns=name,constructor')).status).toBe(400);
  });

  test("a person's page: why they are in, what they may do and through what", async () => {
    const roles = [
      { name: 'helper', description: 'Helps', scopes: ['read:hub'], users: ['Ada'] },
      { name: 'staff', scopes: ['admin:servers!group=physics'], groups: ['physics'] },
    ];
    const config = {
      access: { allowAll: false, allowedUsers: ['ada'] },
      groups: { physics: { users: ['ada'] } },
      roles,
    };
    await using hub = await apiHub({ on, config });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users/ada');
    await addToGroup(hub.ctx, 'physics', ['ada']);
    await signedIn(hub, 'ada');
    const about = async (name: string) => (await root('GET', `/atrium/people/${name}`)).body;

    expect(await about('ada')).toMatchObject({
      person: { name: 'ada', admin: false, servers: [] },
      groups: [{ name: 'physics', sources: ['administrator', 'configuration'] }],
      roles: [
        { name: 'user', from: ['everybody'] },
        { name: 'helper', description: 'Helps', from: ['configuration'] },
        { name: 'staff', from: ['group physics'] },
      ],
      scopes: expect.arrayContaining([{ scope: 'read:hub', words: 'read details of the hub' }]),
      access: { allowed: true, because: 'An administrator made this account.' },
      sessions: 1,
      tokens: 0,
    });
    expect(await root('PATCH', '/atrium/people/ada', { blocked: true, stop_after: 60 })).toMatchObject({
      status: 200,
      body: { blocked: true, stop_after: 60 },
    });
    expect(await about('ada')).toMatchObject({
      access: { allowed: false, because: 'An administrator blocked this account.' },
      sessions: 0,
    });
    expect((await root('PATCH', '/atrium/people/root', { blocked: true })).status).toBe(403);
    expect((await root('PATCH', '/atrium/people/ada', { waiting: true })).status).toBe(400);
    expect((await root('GET', '/atrium/people/nobody')).status).toBe(404);
    const ada = await hub.api({ name: 'eve' });
    expect((await ada('GET', '/atrium/people/eve')).status).toBe(403);
    const staff = await hub.api({ name: 'root' }, ['admin:users!group=physics']);
    expect((await staff('GET', '/atrium/people/eve')).status).toBe(404);
    expect((await staff('GET', '/atrium/people/ada')).status).toBe(200);
    const { items } = (await root('GET', '/atrium/audit?of=ada&action=user')).body as { items: { action: string }[] };
    expect(items.map(({ action }) => action)).toEqual(['user.change', 'user.block', 'user.create']);
  });
});

test('an address for a new password, where the hub keeps them', async () => {
  await using without = await apiHub();
  const nobody = await without.api({ name: 'root', admin: true });
  expect(await nobody('POST', '/atrium/people/root/password-link')).toMatchObject({
    status: 400,
    body: { message: 'This hub keeps no passwords of its own.' },
  });
  await using hub = await apiHub({ authenticator: password() });
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/users/ada');

  const { status, body } = await root('POST', '/atrium/people/ada/password-link');

  expect(status).toBe(201);
  const { url } = body as { url: string };
  expect(url).toMatch(new RegExp(`^${hub.origin}/hub/reset\\?token=`));
  expect((await fetch(url)).status).toBe(200);
  const staff = await hub.api({ name: 'staff' });
  expect((await staff('POST', '/atrium/people/root/password-link')).status).toBe(403);
});
