import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { insertServer, queueStart } from '../servers/servers.repo.ts';
import { listUsers } from './user-list.repo.ts';
import {
  countAdmins,
  deleteUserRow,
  findUser,
  findUserById,
  findUsersByName,
  insertUser,
  touchUser,
  updateUser,
} from './users.repo.ts';
import { validUserName } from './users.service.ts';

const NOW = 1_800_000_000_000;

describeOnDatabases('users', (open) => {
  test('a taken name is answered with undefined, and costs nothing else', async () => {
    await using opened = await open();
    const ada = await insertUser(opened.db, { name: 'ada', admin: true, now: NOW });

    expect(await insertUser(opened.db, { name: 'ada', now: NOW })).toBeUndefined();
    expect(await findUser(opened.db, 'ada')).toEqual(ada);
    expect(await findUserById(opened.db, ada?.id ?? 0)).toMatchObject({
      name: 'ada',
      admin: true,
      uid: 1_900_001_000,
      pending: false,
    });
    expect(await countAdmins(opened.db)).toBe(1);
  });

  test('every field that can change comes back as it was given', async () => {
    await using opened = await open();
    const ada = await insertUser(opened.db, { name: 'ada', pending: true, now: NOW });
    const change = {
      name: 'ada2',
      admin: true,
      allowedBy: 'approval',
      pending: false,
      blocked: true,
      userInfo: { display_name: 'Ada' },
      authGroups: ['staff'],
      stopAfter: 0,
    };

    await updateUser(opened.db, ada?.id ?? 0, change);

    expect(await findUser(opened.db, 'ada2')).toMatchObject(change);
    expect((await findUsersByName(opened.db, ['ada2', 'nobody'])).map((user) => user.name)).toEqual(['ada2']);
    await deleteUserRow(opened.db, ada?.id ?? 0);
    expect(await findUser(opened.db, 'ada2')).toBeUndefined();
  });

  test('activity only moves forward, and not for less than half a minute', async () => {
    await using opened = await open();
    const id = (await insertUser(opened.db, { name: 'ada', now: NOW }))?.id ?? 0;

    for (const at of [NOW, NOW - 60_000, NOW + 10_000]) await touchUser(opened.db, id, at);
    expect((await findUser(opened.db, 'ada'))?.lastActivity).toBe(NOW);

    await touchUser(opened.db, id, NOW + 30_000);
    expect((await findUser(opened.db, 'ada'))?.lastActivity).toBe(NOW + 30_000);
  });

  test('lists are filtered, sorted and paged by the database', async () => {
    await using opened = await open();
    for (const [at, name] of ['carl', 'ada', 'bob_x', 'bobby'].entries()) {
      const user = await insertUser(opened.db, { name, now: NOW });
      if (at === 0 && user) {
        await insertServer(opened.db, {
          id: 's1',
          userId: user.id,
          name: '',
          displayName: '',
          userOptions: {},
          spawnerId: 'x',
          now: NOW,
        });
        await queueStart(opened.db, 's1', NOW);
        await touchUser(opened.db, user.id, NOW);
      }
    }
    const names = async (filter: Parameters<typeof listUsers>[1]) => {
      const { users, total } = await listUsers(opened.db, filter);
      return [users.map((user) => user.name).join(' '), total];
    };

    expect(await names({})).toEqual(['carl ada bob_x bobby', 4]);
    expect(await names({ sort: '-name', limit: 2, offset: 1 })).toEqual(['bobby bob_x', 4]);
    expect(await names({ sort: 'last_activity' })).toEqual(['ada bob_x bobby carl', 4]);
    expect(await names({ nameFilter: 'BOB' })).toEqual(['bob_x bobby', 2]);
    expect(await names({ nameFilter: 'b_' })).toEqual(['bob_x', 1]);
    expect(await names({ state: 'active' })).toEqual(['carl', 1]);
    expect(await names({ state: 'inactive' })).toEqual(['ada bob_x bobby', 3]);
    expect(await names({ state: 'ready' })).toEqual(['', 0]);
    expect(await names({ names: ['ada', 'carl'] })).toEqual(['carl ada', 2]);
    expect(await names({ names: [] })).toEqual(['', 0]);
    expect(await names({ total: false })).toEqual(['carl ada bob_x bobby', 0]);
  });

  test('a part of a name finds who has it now: in any case, with any sign, also after a rename or an end', async () => {
    await using opened = await open();
    const people = ['Änne Größ', 'say "hi"', "o'brien%_\\x", 'old-name', 'gone-name'];
    for (const name of people) await insertUser(opened.db, { name, now: NOW });
    const found = async (nameFilter: string) =>
      (await listUsers(opened.db, { nameFilter })).users.map((user) => user.name);
    const idOf = async (name: string) => (await findUser(opened.db, name))?.id ?? 0;

    expect(await found('NNE gr')).toEqual(['Änne Größ']);
    expect(await found('y "h')).toEqual(['say "hi"']);
    expect(await found('N%_\\X')).toEqual(["o'brien%_\\x"]);
    expect(await found('n__')).toEqual([]);
    expect(await found('" or "')).toEqual([]);
    for (const odd of ['a\u0000b', '\u0000', 'gone\nname', 'AND', 'x*', '^old'])
      expect(await found(odd), odd).toEqual([]);
    expect(await found('-name')).toEqual(['old-name', 'gone-name']);

    await updateUser(opened.db, await idOf('old-name'), { name: 'new-name' });
    await deleteUserRow(opened.db, await idOf('gone-name'));
    expect(await found('-name')).toEqual(['new-name']);
    expect(await found('old-n')).toEqual([]);
    expect((await found('new-n')).length).toBe(1);
  });

  test('one or two letters find people too, whatever they are', async () => {
    await using opened = await open();
    for (const name of ['Änne', 'ab', 'a_b', 'B%']) await insertUser(opened.db, { name, now: NOW });
    const found = async (nameFilter: string) =>
      (await listUsers(opened.db, { nameFilter, sort: 'name' })).users.map((user) => user.name).sort();

    expect(await found('B')).toEqual(['B%', 'a_b', 'ab']);
    expect(await found('AB')).toEqual(['ab']);
    expect(await found('_')).toEqual(['a_b']);
    expect(await found('%')).toEqual(['B%']);
    expect(await found('zz')).toEqual([]);
  });

  test('a search comes page by page in every order, and follows what happens meanwhile, whoever does it', async () => {
    await using opened = await open();
    const { db } = opened;
    for (const name of ['nan-anna', 'bob', 'ana', 'İan', 'Susan', 'ann', 'Zoë'])
      await insertUser(db, { name, now: NOW });
    const found = async (nameFilter: string, filter: Parameters<typeof listUsers>[1] = {}) => {
      const { users, total } = await listUsers(db, { nameFilter, ...filter });
      return [users.map((user) => user.name).join(' '), total];
    };

    expect(await found('AN')).toEqual(['nan-anna ana İan Susan ann', 5]);
    expect(await found('an', { sort: '-id', offset: 1, limit: 2 })).toEqual(['Susan İan', 5]);
    expect(await found('an', { limit: 2, offset: 2, total: false })).toEqual(['İan Susan', 0]);
    expect(await found('an', { limit: 2, offset: 4 })).toEqual(['ann', 5]);
    expect(await found('an', { limit: 2, offset: 40 })).toEqual(['', 5]);
    const [byName] = await found('an', { sort: 'name' });
    expect(await found('', { sort: 'name' })).toEqual([expect.stringContaining('bob'), 7]);
    expect((await found('an', { sort: '-name' }))[0]).toBe(String(byName).split(' ').reverse().join(' '));
    expect(await found('san', { limit: 1 })).toEqual(['Susan', 1]);
    expect(await found('ë', { sort: 'name', limit: 1 })).toEqual(['Zoë', 1]);

    // Somebody else's program, past all of ours.
    await sql`update users set name = 'hannah' where name = 'bob'`.execute(db);
    expect(await found('an', { limit: 3 })).toEqual(['nan-anna hannah ana', 6]);
    await db.transaction().execute(async (tx) => {
      await insertUser(tx, { name: 'within-an', now: NOW });
      expect((await listUsers(tx, { nameFilter: 'an' })).total).toBe(7);
    });
    expect(await found('an', { sort: '-id', limit: 1 })).toEqual(['within-an', 7]);
    await sql`insert into users (name, uid, created) values (${'two\nlines-an'}, 1, 0)`.execute(db);
    expect(await found('an', { sort: '-id', limit: 1 })).toEqual(['two\nlines-an', 8]);
    await sql`delete from users`.execute(db);
    expect(await found('an')).toEqual(['', 0]);
  });

  test('filters add up, and what is counted of them follows every change, whoever makes it', async () => {
    await using opened = await open();
    const { db } = opened;
    const ids: number[] = [];
    for (let n = 0; n < 6; n += 1)
      ids.push((await insertUser(db, { name: `p${n}`, pending: n > 3, now: NOW }))?.id ?? 0);
    const [first = 0, second = 0, third = 0] = ids;
    await updateUser(db, first, { admin: true, authGroups: ['x"y', 'physics'] });
    await updateUser(db, second, { blocked: true, authGroups: ['physics'] });
    const total = async (filter: Parameters<typeof listUsers>[1]) =>
      (await listUsers(db, { ...filter, limit: 1 })).total;

    expect(await total({})).toBe(6);
    expect(await total({ pending: false })).toBe(4);
    expect(await total({ pending: false, blocked: false })).toBe(3);
    expect(await total({ admin: true })).toBe(1);
    expect(await total({ inGroup: 'physics' })).toBe(2);
    expect(await total({ inGroup: 'x"y', admin: true })).toBe(1);
    expect(await total({ inGroup: 'phys' })).toBe(0);
    expect(await total({ groups: ['physics', 'none'], names: ['p5'] })).toBe(3);
    expect(await total({ nameFilter: 'p' })).toBe(6);

    // Somebody else's program, past all of ours.
    await sql`update users set pending = 0 where name = 'p5'`.execute(db);
    expect(await total({ pending: false })).toBe(5);
    await updateUser(db, third, { name: 'q' });
    expect(await total({ nameFilter: 'p' })).toBe(5);
    await deleteUserRow(db, second);
    expect(await total({})).toBe(5);
    expect(await total({ inGroup: 'physics' })).toBe(1);
    await db.transaction().execute(async (tx) => {
      await insertUser(tx, { name: 'within', now: NOW });
      expect((await listUsers(tx, { limit: 1 })).total).toBe(6);
    });
    expect(await total({})).toBe(6);
    expect((await listUsers(db, { limit: 4, offset: 4 })).total).toBe(6);
    expect((await listUsers(db, { limit: 4, offset: 40 })).total).toBe(6);
  });

  test('there is an index for parts of names', async () => {
    await using opened = await open();
    const { db, dialect } = opened;
    for (let n = 0; n < 20; n += 1) await insertUser(db, { name: `person-${n}`, now: NOW });

    const plan = await db.transaction().execute(async (tx) => {
      if (dialect === 'sqlite') {
        const search = sql`select rowid from user_names where user_names match ${'"son-19"'}`;
        return (await sql`explain query plan select u.id from users u where u.id in (${search})`.execute(tx)).rows;
      }
      // So few are read faster without an index; the question is whether it could be used.
      await sql`set local enable_seqscan = off`.execute(tx);
      return (await sql`explain select id from users u where lower(u.name) like ${'%son-19%'}`.execute(tx)).rows;
    });

    expect(JSON.stringify(plan)).toMatch(dialect === 'postgres' ? /Index Scan on users_names/ : /VIRTUAL TABLE INDEX/);
  });
});

test('user names that could be read as a path or not be read at all are refused', () => {
  for (const name of ['ada', 'has@at', 'Ünï', 'a b', '1234', '%']) expect(validUserName(name), name).toBe(true);
  for (const name of ['', ' ada', 'ada ', 'a/b', '.', '..', '%2e%2e', 'a%2Fb', 'a\nb', 'x'.repeat(256)]) {
    expect(validUserName(name), name).toBe(false);
  }
});
