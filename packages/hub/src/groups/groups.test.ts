import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { runVerb } from '../commands/commands.service.ts';
import type { HubConfigInput } from '../config/schema.ts';
import { spawnUserOf } from '../servers/spawn-user.ts';
import { startTestHub } from '../testing/index.ts';
import { createUser, deleteUser, findUser, listUsers, updateUser } from '../users/users.service.ts';
import { findGroup, listGroups, setGroupProperties } from './groups.service.ts';

const open = (config: Partial<HubConfigInput>, database?: string, dataDir?: string) =>
  startTestHub({
    spawner: echoSpawner(),
    authenticator: sharedPassword({ password: new Secret('x') }),
    config,
    ...(database !== undefined && { database }),
    ...(dataDir !== undefined && { dataDir }),
  });

for (const [kind, skip] of [
  ['sqlite', false],
  ['postgres', !hasPostgres],
] as const) {
  test.skipIf(skip)(`groups of sign-in, configuration and table add up (${kind})`, async () => {
    await using place = kind === 'postgres' ? await testDatabase() : undefined;
    await using hub = await open({ groups: { biology: { users: [' Ada ', 'later'] } } }, place?.url);
    const { ctx } = hub;
    const now = ctx.clock.now();
    const ada = await createUser(ctx.db, { name: 'ada', allowedBy: 'administrator', now });
    const bob = await createUser(ctx.db, { name: 'bob', allowedBy: 'administrator', now });
    if (!ada || !bob) throw new Error('no users');
    const groupsOf = async (name: string) => (await findUser(ctx.db, name))?.groups;
    const verb = (name: string, input: object = {}) => runVerb(ctx, name, input);

    expect(ada.groups).toEqual(['biology']);
    await updateUser(ctx.db, ada.id, { authGroups: ['physics'] });
    await verb('group-add', { name: 'gpu', users: ['ada', 'BOB'] });
    await verb('group-add', { name: 'gpu', users: ['bob'] });

    expect(await groupsOf('ada')).toEqual(['biology', 'gpu', 'physics']);
    expect((await spawnUserOf(ctx, { ...ada, groups: (await groupsOf('ada')) ?? [] })).groups).toContain('gpu');
    expect((await listUsers(ctx.db, { groups: ['gpu'] })).users.map(({ name }) => name)).toEqual(['ada', 'bob']);
    expect((await listUsers(ctx.db, { groups: ['biology'] })).total).toBe(1);
    expect(await listGroups(ctx)).toEqual([
      { name: 'biology', properties: {}, members: [{ name: 'ada', sources: ['configuration'] }] },
      {
        name: 'gpu',
        properties: {},
        members: [
          { name: 'ada', sources: ['administrator'] },
          { name: 'bob', sources: ['administrator'] },
        ],
      },
      { name: 'physics', properties: {}, members: [{ name: 'ada', sources: ['sign-in'] }] },
    ]);

    await setGroupProperties(ctx, 'physics', { room: 7 });
    expect(await findGroup(ctx, 'physics')).toMatchObject({ properties: { room: 7 }, members: [{ name: 'ada' }] });
    await expect(verb('group-remove', { name: 'biology', users: ['ada'] })).rejects.toThrow(/configuration puts ada/);
    await expect(verb('group-delete', { name: 'physics' })).rejects.toThrow(/sign-in of ada/);
    await expect(verb('group-delete', { name: 'biology' })).rejects.toThrow(/configuration has/);
    await expect(verb('group-add', { name: 'new', users: ['nobody'] })).rejects.toThrow('No such user: nobody');
    expect(await findGroup(ctx, 'new')).toBeUndefined();
    await expect(verb('group-add', { name: 'a/b', users: [] })).rejects.toThrow(/cannot be the name/);

    await verb('group-remove', { name: 'gpu', users: ['bob'] });
    expect(await groupsOf('bob')).toEqual([]);
    await verb('group-delete', { name: 'gpu' });
    expect(await groupsOf('ada')).toEqual(['biology', 'physics']);
    await verb('group-add', { name: 'gpu', users: ['bob'] });
    await deleteUser(ctx, bob, { by: 'test' });
    expect((await findGroup(ctx, 'gpu'))?.members).toEqual([]);
  });
}

test('what the configuration says is taken over at every start, for people without an account too', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'atrium-groups-'));
  const first = await open({ groups: { biology: { users: ['ada', 'late'] } } }, undefined, dataDir);
  await createUser(first.ctx.db, { name: 'ada', now: 1 });
  await first.hub[Symbol.asyncDispose]();

  await using second = await open({ groups: { chemistry: { users: ['ada', 'late'] } } }, undefined, dataDir);
  const late = await createUser(second.ctx.db, { name: 'late', now: 1 });

  expect((await findUser(second.ctx.db, 'ada'))?.groups).toEqual(['chemistry']);
  expect(late?.groups).toEqual(['chemistry']);
});
