import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { insertServer, queueStart } from '../servers/servers.repo.ts';
import {
  countAdmins,
  deleteUserRow,
  findUser,
  findUserById,
  findUsersByName,
  insertUser,
  listUsers,
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
  });
});

test('user names that could be read as a path or not be read at all are refused', () => {
  for (const name of ['ada', 'has@at', 'Ünï', 'a b', '1234', '%']) expect(validUserName(name), name).toBe(true);
  for (const name of ['', ' ada', 'ada ', 'a/b', '.', '..', '%2e%2e', 'a%2Fb', 'a\nb', 'x'.repeat(256)]) {
    expect(validUserName(name), name).toBe(false);
  }
});
