import { validGroupName } from '../../groups/groups.service.ts';
import { settleGroups } from '../../users/users.service.ts';
import { groupsHere, insertGroup, insertMember } from '../import.repo.ts';
import { keyOf } from '../ledger.repo.ts';
import type { Taking } from '../taking.ts';

export async function takeGroups(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('groups', source.groups.length);
  const here = await groupsHere(ctx.db);
  const ids = new Set([...here.values()].map(({ id }) => String(id)));
  for (const { name, properties } of source.groups) {
    const before = taking.earlier('group', name);
    if (taking.wasTaken(count, 'group', name, name, (id) => ids.has(id))) {
      if (before !== undefined && ids.has(before)) taking.groups.set(name, Number(before));
      continue;
    }
    const text = JSON.stringify(properties);
    const same = here.get(name);
    if (same) {
      taking.groups.set(name, same.id);
      const differ = text !== '{}' && text !== same.properties;
      count.there(name, differ ? 'has other properties here; they stay' : undefined);
    } else if (!validGroupName(name)) {
      count.skip(name, 'cannot be the name of a group here');
    } else {
      const id = await insertGroup(ctx.db, { name, properties: text, created: ctx.clock.now() });
      taking.groups.set(name, id);
      taking.add('group', name, id);
      count.take();
    }
  }
  await takeMembers(taking);
}

async function takeMembers(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const total = source.groups.reduce((sum, { members }) => sum + members.length, 0);
  const count = taking.count('user_group_map', total);
  const changed = new Set<number>();
  for (const group of source.groups) {
    for (const user of group.members) {
      await taking.breathe();
      const name = `${user} in ${group.name}`;
      const [userId, groupId] = [taking.users.get(user), taking.groups.get(group.name)];
      const theirs = keyOf(group.name, user);
      if (userId === undefined || groupId === undefined) {
        count.skip(name, 'the person or the group is not taken over');
      } else if (taking.earlier('member', theirs) !== undefined) {
        count.there(name);
      } else if (await insertMember(ctx.db, userId, groupId)) {
        taking.add('member', theirs, keyOf(userId, groupId));
        changed.add(userId);
        count.take();
      } else {
        count.there(name);
      }
    }
  }
  await settleGroups(ctx.db, [...changed]);
}
