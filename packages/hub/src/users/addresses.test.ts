import { expect, test } from 'vitest';
import { apiHub, onBothDatabases, PASSWORD } from '../api/test-hub.ts';
import { userLabel } from '../subdomains.ts';
import { createUser, listUsers } from './users.service.ts';

/** Two names that a search of a second finds, and that make one host of two people. */
const [HERS, FORGED] = ['students@8415', 'students@15277'] as const;
const TAKEN = { message: `Another account has the address of the name ${FORGED}. Use another name.` };

async function world(on: 'sqlite' | 'postgres', config: { subdomainHost?: string } = {}) {
  const hub = await apiHub({ on, controller: false, config });
  const root = await hub.api({ name: 'root', admin: true });
  expect((await root('POST', `/users/${HERS}`)).status).toBe(201);
  const names = async () => (await listUsers(hub.ctx.db, { sort: 'name' })).users.map(({ name }) => name);
  return { hub, root, names, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

const hosts = { subdomainHost: 'http://hub.localhost:8000' };

test('the two names have one label', () => {
  expect(userLabel(HERS)).toBe(userLabel(FORGED));
});

onBothDatabases((on) => {
  test('where people have hosts, nobody gets a name that leads to the host of another, by whatever door', async () => {
    await using all = await world(on, hosts);
    const { hub, root, names } = all;
    expect(await root('POST', `/users/${FORGED}`)).toMatchObject({ status: 409, body: TAKEN });
    expect(await root('POST', '/users', { usernames: ['bob', FORGED] })).toMatchObject({ status: 409, body: TAKEN });
    const csv = `name\nbob\n${FORGED}\n`;
    expect(await root('POST', '/atrium/people/import', { csv, dry_run: false })).toMatchObject({
      status: 409,
      body: TAKEN,
    });
    const signIn = await hub.browser().submit('/hub/login', { username: FORGED, password: PASSWORD });
    expect([signIn.status, await signIn.text()]).toEqual([409, expect.stringContaining('has the address of the name')]);
    expect(await names()).toEqual(['root', HERS]);

    expect((await root('POST', '/users/cyd')).status).toBe(201);
    expect(await root('PATCH', '/users/cyd', { name: FORGED })).toMatchObject({ status: 400, body: TAKEN });
    expect(await names()).toEqual(['cyd', 'root', HERS]);
    // Both new, in one list.
    expect((await root('PATCH', `/users/${HERS}`, { name: 'students@1' })).status).toBe(200);
    expect((await root('POST', '/users', { usernames: [HERS, FORGED] })).status).toBe(409);
    // Free again; other names that look alike, and her own, are in nobody's way.
    expect((await root('POST', '/users', { usernames: [FORGED, 'students@2'] })).status).toBe(201);
    expect((await root('PATCH', '/users/students@1', { name: 'students@1', admin: true })).status).toBe(200);
    expect((await hub.browser().submit('/hub/login', { username: FORGED, password: PASSWORD })).status).toBe(302);
  });

  test('of two that come at once, one gets it', async () => {
    await using all = await world(on, hosts);
    const { hub, root, names } = all;
    await root('DELETE', `/users/${HERS}`);

    const now = hub.ctx.clock.now();
    const made = await Promise.allSettled([HERS, FORGED].map((name) => createUser(hub.ctx.db, { name, now })));

    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await names()).toHaveLength(2);
  });

  test('where all are on one host, names are all that has to differ', async () => {
    await using all = await world(on);
    expect((await all.root('POST', `/users/${FORGED}`)).status).toBe(201);
  });
});
