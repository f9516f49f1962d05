import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { eventually } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { PASSWORD } from '../world.ts';
import { startHeld } from './s3-servers.ts';

/** Somebody with a server as an older hub left it behind: with a name that nobody could give any more. */
async function withOldServer(hub: Hub, server: string): Promise<string> {
  const db = new DatabaseSync(hub.database, { timeout: 10_000 });
  const idOf = (name: string) => db.prepare('select id from users where name = ?').get(name)?.id as number;
  try {
    if (hub.kind === 'atrium') {
      const user = await hub.person();
      const id = idOf(user);
      insert(db, 'servers', {
        ...{ id: `old${id}`, user_id: id, name: server, display_name: server, spawner_id: 'process' },
        ...{ user_options: '{}', desired: 'stopped', phase: 'stopped', phase_at: 0, generation: 0, failures: 0 },
        ...{ created: Date.now(), lease_until: 0, next_poll: 0 },
      });
      return user;
    }
    // It keeps in mind which servers somebody has: so of somebody whom it has not heard of yet.
    const user = hub.fresh();
    insert(db, 'users', { name: user, admin: 0, cookie_id: user, state: '{}' });
    const id = idOf(user);
    db.prepare(
      "insert into user_role_map (user_id, role_id, managed_by_auth) select ?, id, 0 from roles where name = 'user'",
    ).run(id);
    insert(db, 'spawners', { user_id: id, name: server, state: '{}', user_options: '{}' });
    return user;
  } finally {
    db.close();
  }
}

function insert(db: DatabaseSync, table: string, row: Record<string, string | number>): void {
  const names = Object.keys(row);
  db.prepare(`insert into ${table} (${names}) values (${names.map(() => '?')})`).run(...Object.values(row));
}

export const namesAndLimits = section('names and limits', (row, alone) => {
  row(['10.1/user'], async ({ main }) => {
    for (const path of ['%2e%2e%2e', '%20', 'a%20', 'a%2Fb', '%252e%252e']) {
      const { status } = await main.root('POST', `/users/${path}`);
      expect([path, status === 400 || status === 404]).toEqual([path, true]);
    }
    const odd = main.fresh('o.d@d+');
    expect((await main.root('POST', `/users/${encodeURIComponent(odd)}`)).json().name).toBe(odd);
    expect((await main.root('GET', `/users/${encodeURIComponent(odd)}`)).status).toBe(200);
  });

  row('10.1/user-lower', async ({ main }) => {
    const name = main.fresh('Low');
    const browser = main.browser();
    expect((await browser.submit('/hub/login', { username: name, password: PASSWORD })).status).toBe(302);
    expect((await main.root('GET', `/users/${name.toLowerCase()}`)).status).toBe(200);
    expect((await main.root('GET', `/users/${name}`)).status).toBe(404);
  });

  row('10.1/server', async ({ main }) => {
    const one = await main.person();
    for (const bad of ['9lives', 'Upper', 'a--b', 'a-', 'a_b', 'a'.repeat(31)]) {
      const refused = await main.root('POST', main.server(one, bad));
      expect([refused.status, refused.json().message]).toEqual([400, `Invalid server_name: '${bad}'`]);
    }
    expect((await main.root('PUT', main.server(one, 'a'.repeat(30)))).status).toBe(201);
    expect((await main.root('PUT', main.server(one, 'b'))).status).toBe(201);
  });

  row('10.1/server-5', async ({ main }) => {
    const one = await main.person();
    expect((await main.root('POST', main.server(one, 'a%2Fb'))).status).toBe(400);
  });

  row('10.1/display-name', async ({ main }) => {
    const one = await main.person();
    const put = (display_name: string) => main.root('PUT', main.server(one, main.fresh('s')), { display_name });
    for (const bad of [' edge', 'edge ', 'two  blanks', 'tab\there', 'x'.repeat(256)]) {
      const refused = await put(bad);
      expect([bad, refused.status, refused.json().message]).toEqual([
        bad,
        400,
        expect.stringMatching(/^Invalid display_name/),
      ]);
    }
    expect((await put('Grüße, 世界!')).json().display_name).toBe('Grüße, 世界!');
  });

  row('10.1/group', async ({ main }) => {
    const name = main.fresh('Group: with blanks & more ');
    const path = `/groups/${encodeURIComponent(name)}`;
    expect((await main.root('POST', path)).json().name).toBe(name);
    expect((await main.root('GET', path)).json().name).toBe(name);
  });

  row('10.2/named', async ({ strict }) => {
    const one = await strict.person();
    const message = `User ${one} already has the maximum of 2 named servers.  One must be deleted before a new server can be created`;
    for (const name of ['a', 'b']) {
      const started = await eventually(
        () => strict.root('POST', strict.server(one, name)),
        ({ status }) => status !== 429,
      );
      expect(started.status).toBe(202);
    }
    const refused = await strict.root('POST', strict.server(one, 'c'));
    expect([refused.status, refused.json().message]).toEqual([400, message]);
  });

  row('10.2/named-rename', async ({ strict }) => {
    const one = await strict.person();
    for (const name of ['a', 'b']) expect((await strict.root('PUT', strict.server(one, name))).status).toBe(201);
    const started = await eventually(
      () => strict.root('POST', strict.server(one)),
      ({ status }) => status !== 429,
    );
    expect(started.status).toBe(202);
    const model = async () => (await strict.root('GET', `/users/${one}`)).json();
    await eventually(model, ({ server }) => server !== null);
    await strict.root('DELETE', strict.server(one));
    await eventually(model, ({ servers }) => Object.keys(servers).length === 0);
    const refused = await strict.root('PATCH', strict.server(one), { name: 'c' });
    expect([refused.status, refused.json().message]).toEqual([
      400,
      expect.stringContaining('maximum of 2 named servers'),
    ]);
  });

  row('10.1/server-old', async ({ main }) => {
    const one = await withOldServer(main, 'Old_Name');
    expect((await main.root('POST', main.server(one, 'Old_Name'))).status).toBe(201);
    expect((await main.root('DELETE', main.server(one, 'Old_Name'))).status).toBe(204);
  });

  row('10.1/server-old-off', async ({ sealed }) => {
    const one = await withOldServer(sealed, 'Old_Name');
    const refused = await sealed.root('POST', sealed.server(one, 'Old_Name'));
    expect([refused.status, refused.json().message]).toEqual([
      400,
      expect.stringMatching(/^Starting invalid server_name .* is disabled, contact your administrator/),
    ]);
    expect((await sealed.root('DELETE', sealed.server(one, 'Old_Name'), { remove: true })).status).toBe(204);
  });

  row('10.1/user-pattern', async ({ strict }) => {
    const one = await strict.person();
    expect((await strict.root('POST', '/users/odd-one')).status).toBe(400);
    expect((await strict.root('POST', '/users', { usernames: ['odd-one'] })).status).toBe(400);
    expect((await strict.root('PATCH', `/users/${one}`, { name: 'odd-one' })).status).toBe(400);
    const form = { username: 'odd-one', password: PASSWORD };
    expect((await strict.browser().submit(`${strict.hub}login`, form)).status).toBe(403);
    expect((await strict.root('GET', '/users/odd-one')).status).toBe(404);
  });

  row('10.2/named-by-person', async ({ sealed }) => {
    const [few, other] = [await sealed.person('few-'), await sealed.person()];
    const [asFew, asOther] = [sealed.as(await sealed.token(few)), sealed.as(await sealed.token(other))];
    for (const name of ['a', 'b']) expect((await asOther('POST', sealed.server(other, name))).status).toBe(201);
    expect((await asFew('POST', sealed.server(few, 'a'))).status).toBe(201);
    const refused = await asFew('POST', sealed.server(few, 'b'));
    expect([refused.status, refused.json().message]).toEqual([
      400,
      expect.stringMatching(/ maximum of 1 named servers/),
    ]);
  });

  row('10.2/named-put', async ({ strict }) => {
    const one = await strict.person();
    for (const name of ['a', 'b']) expect((await strict.root('PUT', strict.server(one, name))).status).toBe(201);
    expect((await strict.root('PUT', strict.server(one, 'c'))).status).toBe(400);
  });

  alone(['10.2/concurrent', '10.2/signed-in'], async ({ strict }) => {
    await eventually(
      async () => (await strict.root('GET', '/users?state=active&limit=200')).json() as { servers: object }[],
      (people) => people.every(({ servers }) => Object.values(servers).every(({ ready }) => ready)),
    );
    const { user: held, end } = await startHeld(strict);
    const one = await strict.person();
    const refused = await strict.root('POST', strict.server(one));
    expect([refused.status, refused.json().message]).toEqual([
      429,
      expect.stringMatching(/^Too many users trying to log in right now\. Try again in \d+ seconds\.$/),
    ]);
    const after = Number(refused.headers['retry-after']);
    expect(after).toBeGreaterThanOrEqual(30);
    expect(after).toBeLessThanOrEqual(60);
    const browser = await strict.signIn(one);
    const page = await browser.fetch(`${strict.hub}spawn/${one}?start=1`);
    expect([page.status, page.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)]);
    expect((await browser.fetch(`${strict.hub}home`)).status).toBe(200);
    await end();
    await strict.root('DELETE', strict.server(held));
  });

  row('10.2/named-off', async ({ domain }) => {
    const one = await domain.person();
    for (const method of ['POST', 'DELETE']) {
      const refused = await domain.root(method, domain.server(one, 'two'));
      expect([refused.status, refused.json().message]).toEqual([400, 'Named servers are not enabled.']);
    }
  });

  alone('10.2/active', async ({ domain }) => {
    const [one, other] = await Promise.all([domain.person(), domain.person()]);
    await domain.start(one);
    const refused = await domain.root('POST', domain.server(other));
    expect([refused.status, refused.json().message, refused.headers['retry-after']]).toEqual([
      429,
      'Active user limit exceeded. Try again in a few minutes.',
      undefined,
    ]);
    expect((await domain.root('DELETE', domain.server(one))).status).toBe(204);
  });
});
