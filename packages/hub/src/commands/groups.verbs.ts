import { z } from 'zod';
import {
  addToGroup,
  createGroup,
  deleteGroup,
  findGroup,
  listGroups,
  removeFromGroup,
} from '../groups/groups.service.ts';
import { defineVerb } from './verb.ts';

const Name = z.strictObject({ name: z.string() });
const Members = Name.extend({ users: z.array(z.string()) });

const list = defineVerb(z.strictObject({}), (ctx) => listGroups(ctx));

/** Makes the group when there is none. */
const add = defineVerb(Members, async (ctx, { name, users }) => {
  const known = await findGroup(ctx, name);
  if (known) await addToGroup(ctx, name, users);
  else await createGroup(ctx, name, users);
  ctx.log.info({ group: name, users, by: 'command line' }, known ? 'added to a group' : 'group created');
  return { created: !known, group: await findGroup(ctx, name) };
});

const remove = defineVerb(Members, async (ctx, { name, users }) => {
  await removeFromGroup(ctx, name, users);
  ctx.log.info({ group: name, users, by: 'command line' }, 'removed from a group');
  return { group: await findGroup(ctx, name) };
});

const drop = defineVerb(Name, async (ctx, { name }) => {
  await deleteGroup(ctx, name);
  ctx.log.info({ group: name, by: 'command line' }, 'group deleted');
  return { name };
});

export const groupVerbs = { 'group-list': list, 'group-add': add, 'group-remove': remove, 'group-delete': drop };
