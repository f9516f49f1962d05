import { expect } from 'vitest';
import type { Client } from '../client.ts';
import { section } from '../suite.ts';
import { OUTSIDE_TOKEN } from '../world.ts';

const HIERARCHY: Readonly<Record<string, readonly string[]>> = {
  'admin:users': ['admin:auth_state', 'users', 'read:roles:users', 'delete:users'],
  users: ['read:users', 'list:users', 'users:activity'],
  'list:users': ['read:users:name'],
  'read:users': ['read:users:name', 'read:users:groups', 'read:users:activity'],
  'users:activity': ['read:users:activity'],
  'read:roles': ['read:roles:users', 'read:roles:services', 'read:roles:groups'],
  'admin:servers': ['admin:server_state', 'servers'],
  servers: ['read:servers', 'delete:servers'],
  'read:servers': ['read:users:name'],
  tokens: ['read:tokens'],
  'admin:groups': ['groups', 'read:roles:groups', 'delete:groups'],
  groups: ['read:groups', 'list:groups'],
  'list:groups': ['read:groups:name'],
  'read:groups': ['read:groups:name'],
  'admin:services': ['list:services', 'read:services', 'read:roles:services'],
  'list:services': ['read:services:name'],
  'read:services': ['read:services:name'],
  shares: ['access:servers', 'read:shares', 'users:shares', 'groups:shares'],
  'users:shares': ['read:users:shares'],
  'groups:shares': ['read:groups:shares'],
};
const LEAVES = [
  ...['admin-ui', 'delete:users', 'delete:groups', 'delete:servers', 'read:users:name', 'read:tokens'],
  ...['read:users:groups', 'read:users:activity', 'read:roles:users', 'read:roles:services', 'read:roles:groups'],
  ...['read:users:shares', 'read:groups:shares'],
  ...['read:groups:name', 'read:services:name', 'read:shares', 'access:servers', 'access:services'],
  ...['read:hub', 'read:metrics', 'proxy', 'shutdown', 'admin:auth_state', 'admin:server_state'],
];
const IDS = Object.keys(HIERARCHY).filter(
  (scope) => !['list:groups', 'list:services', 'groups:shares'].includes(scope),
);

const scopesOf = async (as: Client): Promise<string[]> => (await as('GET', '/user')).json().scopes;

/** What a token of the administrator with these scopes holds, without who the administrator is. */
async function held(as: Client): Promise<string[]> {
  return (await scopesOf(as)).filter((scope) => !/^read:users:(name|groups)!user=ada$/.test(scope));
}

export const scopes = section('scopes and roles', (row) => {
  row(
    IDS.map((scope) => `4.1/${scope}`),
    async ({ main }) => {
      for (const [scope, included] of Object.entries(HIERARCHY)) {
        const all = await held(await main.scoped([scope]));
        expect([scope, all]).toEqual([scope, expect.arrayContaining([scope, ...included])]);
        if (scope === 'servers') expect(all).not.toContain('access:servers');
        if (scope === 'users') expect(all.join()).not.toMatch(/servers|tokens/);
      }
    },
  );

  row('4.1/leaves', async ({ main }) => {
    for (const scope of LEAVES) expect(await held(await main.scoped([scope]))).toEqual([scope]);
  });

  row('4.1/servers-start', async ({ main }) => {
    expect(await held(await main.scoped(['servers']))).toContain('start:servers');
  });

  row(['4.2/filters', '4.2/propagate', '4.2/unknown'], async ({ main }) => {
    const group = main.fresh('g');
    await main.root('POST', `/groups/${group}`);
    const given = [
      ...['read:users!user=x', `list:users!group=${group}`, 'read:servers!server=x/y', 'access:servers!server=x/'],
      'read:services!service=outside',
    ];
    const all = await held(await main.scoped(given));
    expect(all).toEqual(
      expect.arrayContaining([
        ...given,
        ...['read:users:name!user=x', 'read:users:activity!user=x', `read:users:name!group=${group}`],
        'read:services:name!service=outside',
      ]),
    );
    expect(all).not.toContain('read:users:name!server=x/y');
    const make = async (scope: string) => (await main.root('POST', '/users/ada/tokens', { scopes: [scope] })).status;
    for (const bad of ['no:such', 'read:users!planet=x', 'read:users!group']) {
      expect([bad, await make(bad)]).toEqual([bad, 400]);
    }
  });

  row(['4.2/shorthand', '4.3/inherit', '4.4/token'], async ({ main }) => {
    const one = await main.person();
    const short = await scopesOf(await main.scoped(['read:users!user', 'access:servers!server'], one));
    expect(short).toEqual(expect.arrayContaining([`read:users!user=${one}`]));
    expect(short.join()).not.toMatch(/!user(,|$)|!server/);
    const inherits = await scopesOf(await main.scoped(['inherit'], one));
    expect(await scopesOf(main.as(await main.token(one)))).toEqual(inherits);
    expect(inherits).toContain(`tokens!user=${one}`);
  });

  row(['4.2/containment', '4.3/membership', '4.4/group-role'], async ({ main }) => {
    const [member, staff, other] = await Promise.all([main.person(), main.person(), main.person()]);
    await main.root('POST', '/groups/class/users', { users: [member] });
    await main.root('POST', '/groups/staff/users', { users: [staff] });
    const as = main.as(await main.token(staff));
    expect((await as('GET', `/users/${member}`)).status).toBe(200);
    expect((await as('GET', `/users/${other}`)).status).toBe(404);
    await main.start(member);
    expect((await as('DELETE', main.server(member))).status).toBe(204);
    const narrow = await main.scoped([`read:users!user=${member}`], staff);
    expect(await scopesOf(narrow)).toContain(`read:users!user=${member}`);
    const both = await main.scoped([`read:users!user=${member}`, `read:users!user=${other}`, 'read:users!user=ada']);
    for (const name of [member, other]) expect((await both('GET', `/users/${name}`)).status).toBe(200);
  });

  row(['4.3/self', '4.4/user'], async ({ main }) => {
    const one = await main.person();
    const all = await scopesOf(main.as(await main.token(one)));
    const own = [
      ...['users:activity', 'read:users', 'users:shares', 'read:shares', 'servers', 'tokens', 'access:servers'],
      ...['read:users:name', 'read:users:groups', 'read:users:activity', 'read:users:shares'],
      ...['read:servers', 'delete:servers', 'read:tokens'],
    ];
    expect(all).toEqual(expect.arrayContaining(own.map((scope) => `${scope}!user=${one}`)));
    expect(all.filter((scope) => !scope.endsWith(`!user=${one}`))).toEqual([]);
    for (const scope of ['list:users', 'shares', 'delete:users']) expect(all).not.toContain(`${scope}!user=${one}`);
    expect((await main.root('GET', `/users/${one}`)).json().roles).toEqual(['user']);
  });

  row(['4.3/no-more-than-owner', '4.3/reduced-at-once'], async ({ main }) => {
    const one = await main.person();
    const members = { users: [one] };
    await main.root('POST', '/groups/people-staff/users', members);
    const as = await main.scoped(['list:users'], one);
    expect((await as('GET', '/users')).status).toBe(200);
    await main.root('DELETE', '/groups/people-staff/users', members);
    expect((await as('GET', '/users')).status).toBe(403);
    await main.root('POST', '/groups/people-staff/users', members);
    expect((await as('GET', '/users')).status).toBe(200);
    expect((await as('POST', '/users', { usernames: [main.fresh()] })).status).toBe(403);
  });

  row('4.4/admin', async ({ main }) => {
    const one = await main.person();
    const roles = async () => (await main.root('GET', `/users/${one}`)).json().roles;
    await main.root('PATCH', `/users/${one}`, { admin: true });
    expect(await roles()).toEqual(expect.arrayContaining(['admin', 'user']));
    expect(await scopesOf(main.as(await main.token(one)))).toEqual(
      expect.arrayContaining([
        ...['admin-ui', 'admin:users', 'admin:servers', 'admin:services', 'tokens', 'admin:groups', 'list:services'],
        ...['read:services', 'read:hub', 'proxy', 'shutdown', 'access:services', 'access:servers'],
        ...['read:roles:users', 'read:roles:services', 'read:roles:groups', 'read:metrics', 'shares'],
      ]),
    );
    await main.root('PATCH', `/users/${one}`, { admin: false });
    expect(await roles()).toEqual(['user']);
  });

  row('4.4/server', async ({ main }) => {
    const one = await main.person();
    await main.start(one, 'two');
    const env = (await main.send('GET', `/user/${one}/two/env`)).json();
    expect(await scopesOf(main.as(env.JUPYTERHUB_API_TOKEN))).toEqual(
      [
        ...[`access:servers!server=${one}/two`, `read:users:activity!user=${one}`, `read:users:groups!user=${one}`],
        ...[`read:users:name!user=${one}`, `users:activity!user=${one}`],
      ].sort(),
    );
  });

  row(['4.4/service', '4.4/custom'], async ({ main }) => {
    const service = await scopesOf(main.as(OUTSIDE_TOKEN));
    expect(service.filter((scope) => scope !== 'read:services:name!service=outside')).toEqual([]);
    const gina = await scopesOf(main.as(await main.token('gina')));
    expect(gina).toEqual(expect.arrayContaining(['custom:grades:write!group=class', 'custom:grades:read!group=class']));
  });

  row(['4.5/access', '4.5/services'], async ({ main }) => {
    const [owner, guest] = await Promise.all([main.person(), main.person()]);
    await main.root('POST', '/groups/all-access/users', { users: [guest] });
    const as = main.as(await main.token(guest));
    expect((await as('POST', main.server(owner))).status).toBe(404);
    const browser = await main.signIn(guest);
    expect((await browser.fetch(`/hub/user/${owner}/`)).status).toBe(424);
    const all = await scopesOf(as);
    expect(all).toContain('access:servers');
    expect(all.join()).not.toContain('access:services');
  });
});
