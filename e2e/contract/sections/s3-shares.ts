import { expect } from 'vitest';
import type { Client } from '../client.ts';
import type { Hub } from '../hub.ts';
import { fieldsOf } from '../oauth.ts';
import { section } from '../suite.ts';

/** An owner who may share, with a stopped server that they have had, and somebody else. */
async function sharers(hub: Hub): Promise<{ owner: string; as: Client; guest: string; asGuest: Client }> {
  const [owner, guest] = await Promise.all([hub.person('owner'), hub.person('guest')]);
  await hub.root('POST', '/groups/sharers/users', { users: [owner] });
  await hub.start(owner);
  const [own, other] = await Promise.all([hub.token(owner), hub.token(guest)]);
  return { owner, as: hub.as(own), guest, asGuest: hub.as(other) };
}

const scopeOf = (owner: string) => `access:servers!server=${owner}/`;

export const shares = section('REST, shares', (row) => {
  row(['3.10/grant', '3.10/list', '3.10/owner-methods', '3.10/revoke', '3.10/shared-with'], async ({ main }) => {
    const { owner, as, guest, asGuest } = await sharers(main);
    const path = `/shares/${owner}/`;
    const granted = await as('POST', path, { user: guest });
    const share = {
      server: { user: { name: owner }, name: '', url: `/user/${owner}/`, ready: true },
      scopes: [scopeOf(owner)],
      user: { name: guest },
      group: null,
      kind: 'user',
      created_at: expect.stringMatching(/Z$/),
    };
    expect([granted.status, granted.json()]).toMatchObject([200, share]);
    expect((await as('POST', path, { user: guest, scopes: ['access:servers'] })).json()).toMatchObject(share);
    for (const list of [path, `/shares/${owner}`]) {
      const { items, _pagination } = (await as('GET', list)).json();
      expect([items, _pagination.total]).toMatchObject([[share], 1]);
    }
    for (const method of ['POST', 'PATCH', 'DELETE']) {
      expect((await as(method, `/shares/${owner}`, { user: guest })).status).toBe(405);
    }
    const shared = (await asGuest('GET', `/users/${guest}/shared`)).json();
    expect(shared.items).toMatchObject([share]);
    expect((await asGuest('GET', `/users/${guest}/shared/${owner}/`)).json()).toMatchObject(share);
    expect((await asGuest('GET', `/users/${guest}/shared/${owner}/none`)).status).toBe(404);
    const revoked = await as('PATCH', path, { user: guest });
    expect([revoked.status, revoked.json()]).toEqual([200, {}]);
    expect((await asGuest('GET', `/users/${guest}/shared`)).json().items).toEqual([]);
  });

  row(['3.10/grant-scopes', '3.10/grant-target', '3.10/unknown-server'], async ({ main }) => {
    const { owner, as, guest } = await sharers(main);
    const path = `/shares/${owner}/`;
    const status = async (body: unknown, at = path) => (await as('POST', at, body)).status;
    expect(await status({ user: guest, scopes: ['admin:users'] })).toBe(403);
    expect(await status({ user: guest, scopes: [`access:servers!user=${owner}`] })).toBe(400);
    for (const body of [
      {},
      { user: guest, group: 'class' },
      { user: guest, size: 1 },
      { user: 'nobody-of-this-name' },
    ]) {
      expect([body, await status(body)]).toEqual([body, 400]);
    }
    expect(await status({ group: 'no-such-group' })).toBe(400);
    expect(await status({ user: guest }, `/shares/${owner}/unknown`)).toBe(404);
  });

  row('3.10/merge', async ({ main }) => {
    const { owner, as, guest } = await sharers(main);
    const path = `/shares/${owner}/`;
    expect((await as('POST', path, { user: guest, scopes: ['read:servers'] })).status).toBe(200);
    const merged = (await as('POST', path, { user: guest, scopes: ['access:servers'] })).json();
    expect(merged.scopes).toEqual([scopeOf(owner), `read:servers!server=${owner}/`]);
    const left = (await as('PATCH', path, { user: guest, scopes: [scopeOf(owner)] })).json();
    expect(left.scopes).toEqual([`read:servers!server=${owner}/`]);
  });

  row('3.10/oneself', async ({ main }) => {
    const { owner, as } = await sharers(main);
    expect([400, 404]).toContain((await as('POST', `/shares/${owner}/`, { user: owner })).status);
  });

  row('3.10/group-leave', async ({ main }) => {
    const { owner, as, guest } = await sharers(main);
    const group = main.fresh('g');
    await main.root('POST', `/groups/${group}`, { users: [guest] });
    expect((await as('POST', `/shares/${owner}/`, { group })).status).toBe(200);
    const path = `/groups/${group}/shared/${owner}/`;
    expect((await main.root('GET', path)).json()).toMatchObject({ group: { name: group }, kind: 'group' });
    expect((await main.root('DELETE', path)).status).toBe(204);
    expect((await main.root('GET', path)).status).toBe(404);
    expect((await as('GET', `/shares/${owner}/`)).json().items).toEqual([]);
  });

  row('3.10/code-again', async ({ main }) => {
    const { owner, as } = await sharers(main);
    const { code } = (await as('POST', `/share-codes/${owner}/`)).json();
    for (let count = 1; count <= 2; count += 1) {
      const browser = await main.signIn(await main.person('guest'));
      const path = `/hub/accept-share?code=${code}`;
      const fields = fieldsOf(await (await browser.fetch(path)).text()).filter(([name]) => name !== '');
      const agreed = await browser.fetch(path, { method: 'POST', body: new URLSearchParams(fields) });
      expect(agreed.status).toBe(302);
      const [listed] = (await as('GET', `/share-codes/${owner}/`)).json().items;
      expect([listed.exchange_count, listed.last_exchanged_at]).toEqual([count, expect.stringMatching(/Z$/)]);
    }
  });

  row('3.10/bad-body', async ({ main }) => {
    const { owner, as, guest } = await sharers(main);
    expect((await as('POST', `/shares/${owner}/`, ['x'])).status).toBe(400);
    expect((await as('POST', `/shares/${owner}/`, { user: guest, scopes: ['no:such'] })).status).toBe(400);
  });

  row(['3.10/grant-name', '3.10/grant-needs-shares'], async ({ main }) => {
    const { owner, guest, asGuest } = await sharers(main);
    const blind = await main.scoped([`shares!user=${owner}`]);
    expect((await blind('POST', `/shares/${owner}/`, { user: guest })).status).toBe(403);
    await main.start(guest);
    expect((await asGuest('POST', `/shares/${guest}/`, { user: owner })).status).toBe(403);
  });

  row(['3.10/gives-access', '3.10/leave', '3.10/revoke-all'], async ({ main }) => {
    const { owner, as, guest, asGuest } = await sharers(main);
    const scopes = async () => (await asGuest('GET', '/user')).json().scopes as string[];
    expect(await scopes()).not.toContain(scopeOf(owner));
    await as('POST', `/shares/${owner}/`, { user: guest });
    expect(await scopes()).toContain(scopeOf(owner));
    expect((await asGuest('DELETE', `/users/${owner}/server`)).status).toBe(404);
    expect((await asGuest('POST', `/users/${owner}/server`)).status).toBe(404);
    expect((await asGuest('DELETE', `/users/${guest}/shared/${owner}/`)).status).toBe(204);
    expect(await scopes()).not.toContain(scopeOf(owner));
    await as('POST', `/shares/${owner}/`, { user: guest });
    expect((await as('DELETE', `/shares/${owner}/`)).status).toBe(204);
    expect(await scopes()).not.toContain(scopeOf(owner));
    expect((await as('GET', `/shares/${owner}/`)).json().items).toEqual([]);
  });

  row('3.10/group-share', async ({ main }) => {
    const { owner, as, guest } = await sharers(main);
    const group = main.fresh('g');
    await main.root('POST', `/groups/${group}`, { users: [guest] });
    const granted = await as('POST', `/shares/${owner}/`, { group });
    expect(granted.json()).toMatchObject({ kind: 'group', group: { name: group }, user: null });
    const listed = (await main.root('GET', `/groups/${group}/shared`)).json();
    expect(listed.items).toMatchObject([{ group: { name: group }, server: { user: { name: owner } } }]);
    const own = await (await main.signIn(guest)).fetch('/hub/api/user');
    expect(((await own.json()) as { scopes: string[] }).scopes).toContain(scopeOf(owner));
  });

  row('3.10/group-share-token', async ({ main }) => {
    const { owner, as, guest, asGuest } = await sharers(main);
    const group = main.fresh('g');
    await main.root('POST', `/groups/${group}`, { users: [guest] });
    await as('POST', `/shares/${owner}/`, { group });
    expect((await asGuest('GET', '/user')).json().scopes).toContain(scopeOf(owner));
  });

  row(['3.10/code', '3.10/code-expiry', '3.10/code-delete'], async ({ main }) => {
    const { owner, as } = await sharers(main);
    const path = `/share-codes/${owner}/`;
    const made = await as('POST', path);
    expect([made.status, made.json()]).toMatchObject([
      200,
      {
        ...{ server: { user: { name: owner }, name: '' }, scopes: [scopeOf(owner)], exchange_count: 0 },
        id: expect.stringMatching(/^sc_\d+$/),
        code: expect.stringMatching(/^[\w-]{43}$/),
        accept_url: `/hub/accept-share?code=${made.json().code}`,
        last_exchanged_at: null,
      },
    ]);
    const life = ({ created_at, expires_at }: Record<string, string>) =>
      Math.round((Date.parse(expires_at ?? '') - Date.parse(created_at ?? '')) / 1000);
    expect(life(made.json())).toBe(86_400);
    for (const expires_in of [59, 31_536_001, 'soon']) {
      expect([expires_in, (await as('POST', path, { expires_in })).status]).toEqual([expires_in, 400]);
    }
    const short = (await as('POST', path, { expires_in: 60 })).json();
    expect(life(short)).toBe(60);
    const { items } = (await as('GET', path)).json();
    expect(items.map(({ id }: { id: string }) => id).sort()).toEqual([made.json().id, short.id].sort());
    expect(JSON.stringify(items)).not.toContain(short.code);
    expect((await as('DELETE', `${path}?code=${short.code}`)).status).toBe(204);
    for (const query of [`code=${short.code}`, `id=${short.id}`]) {
      expect((await as('DELETE', `${path}?${query}`)).status).toBe(404);
    }
    expect((await as('DELETE', `${path}?id=${made.json().id}`)).status).toBe(204);
    await as('POST', path);
    expect((await as('DELETE', path)).status).toBe(204);
    expect((await as('GET', path)).json().items).toEqual([]);
  });

  row('3.10/rename', async ({ main }) => {
    const { owner, as, guest, asGuest } = await sharers(main);
    await as('POST', `/shares/${owner}/`, { user: guest });
    await main.root('DELETE', `/users/${owner}/server`);
    const fresh = main.fresh('renamed');
    expect((await main.root('PATCH', `/users/${owner}`, { name: fresh })).status).toBe(200);
    const { items } = (await asGuest('GET', `/users/${guest}/shared`)).json();
    expect(items).toMatchObject([{ server: { user: { name: fresh } }, scopes: [scopeOf(fresh)] }]);
  });

  row(['5.1/accept-share', '5.1/accept-share-post'], async ({ main }) => {
    const { owner, as, guest, asGuest } = await sharers(main);
    const { code } = (await as('POST', `/share-codes/${owner}/`)).json();
    const path = (text: string) => `/hub/accept-share?code=${text}`;
    const [visitor, own] = await Promise.all([main.signIn(guest), main.signIn(owner)]);
    expect((await main.send('GET', path(code))).status).toBe(302);
    expect((await visitor.fetch('/hub/accept-share')).status).toBe(400);
    expect((await visitor.fetch(path('unknown'))).status).toBe(404);
    expect((await own.fetch(path(code))).status).toBe(403);
    const form = await visitor.fetch(path(code));
    const page = await form.text();
    expect([form.status, page]).toEqual([200, expect.stringContaining(owner)]);
    const fields = fieldsOf(page).filter(([name]) => name !== '');
    // The page is its own form's address.
    const agree = (text: string) =>
      visitor.fetch(path(text), {
        method: 'POST',
        body: new URLSearchParams(fields.map(([name, value]) => [name, name === 'code' ? text : value])),
      });
    expect((await agree('unknown')).status).toBe(400);
    const agreed = await agree(code);
    expect([agreed.status, agreed.headers.get('location')]).toEqual([302, expect.stringContaining(`/user/${owner}/`)]);
    expect((await asGuest('GET', '/user')).json().scopes).toContain(scopeOf(owner));
  });
});
