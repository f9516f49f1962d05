import { expect, test } from 'vitest';
import { createGroup } from '../groups/groups.service.ts';
import { findUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

interface Bulk {
  results: { name: string; outcome: string; code: string | null; message: string }[];
  totals: Record<string, number>;
}

const WAIT = { timeout: 30_000 };

onBothDatabases((on) => {
  test('a look beforehand says what will happen and does nothing; then it happens, row by row', async () => {
    await using hub = await apiHub({ on, config: { groups: { fixed: { users: ['ada'] } } } });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users', { usernames: ['ada', 'bob', 'cleo'] });
    await createGroup(hub.ctx, 'physics', ['bob']);
    const bulk = async (body: object, api = root) => {
      const answer = await api('POST', '/atrium/bulk', body);
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      return (answer.body as Bulk).results.map(({ name, outcome }) => `${name} ${outcome}`);
    };
    const apply = (body: object) => bulk({ ...body, dry_run: false });
    const people = ['ada', 'bob', 'root', 'nobody'];

    const join = { action: 'add_to_group', group: 'physics', people };
    expect(await bulk(join)).toEqual(['ada will', 'bob nothing', 'root will', 'nobody refused']);
    expect((await findUser(hub.ctx.db, 'ada'))?.groups).toEqual(['fixed']);
    expect(await apply(join)).toEqual(['ada done', 'bob nothing', 'root done', 'nobody refused']);
    expect((await findUser(hub.ctx.db, 'ada'))?.groups).toEqual(['fixed', 'physics']);
    expect(await apply({ ...join, action: 'remove_from_group', group: 'fixed' })).toEqual([
      'ada refused',
      'bob nothing',
      'root nothing',
      'nobody refused',
    ]);

    expect(await apply({ action: 'start', match: { group: 'physics' } })).toEqual([
      'ada/ done',
      'bob/ done',
      'root/ done',
    ]);
    const running = async () => (await bulk({ action: 'stop', people: ['ada', 'bob'] })).join();
    await expect.poll(running, WAIT).toBe('ada/ will,bob/ will');
    expect(await apply({ action: 'stop', servers: ['ada/', 'cleo/', 'ada/gone'], note: 'Maintenance' })).toEqual([
      'ada/ done',
      'cleo/ nothing',
      'ada/gone refused',
    ]);
    const stopped = async () => (await root('GET', '/atrium/people/ada')).body;
    const note = { phase: 'stopped', stopped: { code: 'admin', by: 'root', note: 'Maintenance' } };
    await expect.poll(stopped, WAIT).toMatchObject({ person: { servers: [note] } });

    expect(await apply({ action: 'make_admin', people: ['bob', 'root'] })).toEqual(['bob done', 'root nothing']);
    expect(await apply({ action: 'remove_admin', people: ['bob', 'root'] })).toEqual(['bob done', 'root refused']);
    expect(await apply({ action: 'block', people: ['cleo', 'root'] })).toEqual(['cleo done', 'root refused']);
    expect(await bulk({ action: 'start', people: ['cleo'] })).toEqual(['cleo/ refused']);
    expect(await bulk({ action: 'delete', people: ['bob', 'root'] })).toEqual(['bob will', 'root refused']);
    expect(await apply({ action: 'delete', people: ['bob', 'root'] })).toEqual(['bob done', 'root refused']);
    expect(await findUser(hub.ctx.db, 'bob')).toBeUndefined();
    const trail = (await root('GET', '/atrium/audit?by=root&limit=200')).body as { items: { action: string }[] };
    const actions = new Set(trail.items.map(({ action }) => action));
    expect([...actions].sort()).toEqual(
      ['group.add', 'server.start', 'server.stop', 'user.block', 'user.change', 'user.create', 'user.delete'].sort(),
    );
  });

  test('every row is asked for by itself: what is not yours reads as what is not there', async () => {
    await using hub = await apiHub({ on });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users', { usernames: ['ada', 'bob'] });
    await createGroup(hub.ctx, 'physics', ['ada']);
    const staff = await hub.api({ name: 'root' }, ['delete:users!group=physics', 'groups!group=physics']);
    const nobody = await hub.api({ name: 'eve' }, ['read:users!user']);

    const { body } = await staff('POST', '/atrium/bulk', { action: 'delete', people: ['ada', 'bob', 'nobody'] });
    const odd = { action: 'delete', people: ['a\u0000', 'ada\u0000/'], group: 'x\u0000' };
    const { results, totals } = body as Bulk;

    expect(totals).toEqual({ will: 1, done: 0, nothing: 0, refused: 2, failed: 0 });
    expect(results[1]).toEqual({ ...results[2], name: 'bob' });
    expect((await nobody('POST', '/atrium/bulk', { action: 'stop', people: ['eve'] })).status).toBe(403);
    const wrong = async (request: object, api = root) => (await api('POST', '/atrium/bulk', request)).status;
    expect(await wrong({ action: 'delete', match: {} }, staff)).toBe(403);
    expect(await wrong({ action: 'delete' })).toBe(400);
    expect(await wrong({ action: 'delete', people: ['ada'], match: {} })).toBe(400);
    expect(await wrong({ action: 'delete', servers: ['ada/'] })).toBe(400);
    expect(await wrong({ action: 'add_to_group', people: ['ada'] })).toBe(400);
    expect(await wrong({ action: 'add_to_group', people: ['ada'], group: 'none' })).toBe(404);
    expect(await wrong({ action: 'explode', people: ['ada'] })).toBe(400);
    expect(await wrong(odd)).toBe(200);
    expect(await wrong({ ...odd, action: 'add_to_group' })).toBe(404);
  });
});
