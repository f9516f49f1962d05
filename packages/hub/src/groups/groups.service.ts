import { HubError, type Json } from '@atrium/sdk';
import { tellProxies } from '../access/bars.service.ts';
import { settleEverywhere } from '../access/settle.service.ts';
import { type AuditEntry, audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { fromJson } from '../db/json.ts';
import { revokeSharesOfGroup, settleGroupShares } from '../shares/shares.service.ts';
import {
  configGroupsOf,
  findUsersByName,
  listUsers,
  normaliseUserName,
  settleGroups,
  type User,
} from '../users/users.service.ts';
import * as repo from './groups.repo.ts';

/** Why somebody is in a group. Only what an administrator gave can be taken back here. */
export type MembershipSource = 'administrator' | 'configuration' | 'sign-in';

export interface Group {
  name: string;
  /** Contract §3.3. */
  properties: { [key: string]: Json };
  /** By name; those with an account. */
  members: { name: string; sources: MembershipSource[] }[];
}

/** Every group there is, by name: made here, named in the configuration, or told by the authenticator. */
export async function listGroups(ctx: AppContext): Promise<Group[]> {
  return readGroups(ctx, undefined);
}

export async function findGroup(ctx: AppContext, name: string): Promise<Group | undefined> {
  return (await readGroups(ctx, name))[0];
}

async function readGroups(ctx: AppContext, only: string | undefined): Promise<Group[]> {
  const [rows, given, configured] = await Promise.all([
    only === undefined ? repo.listGroupRows(ctx.db) : repo.findGroupRow(ctx.db, only).then((row) => (row ? [row] : [])),
    repo.listMembers(ctx.db, only),
    repo.listConfigMembers(ctx.db),
  ]);
  const { users } = await listUsers(ctx.db, only === undefined ? { inGroups: true } : { groups: [only] });
  const known = new Map(rows.map((row) => [row.name, row]));
  const names = new Set([
    ...known.keys(),
    ...configured.map(({ group }) => group),
    ...users.flatMap((user) => user.groups),
  ]);
  const byHand = new Set(given.map(({ group, user }) => key(group, user)));
  const byConfig = new Set(configured.map(({ group, user }) => key(group, user)));
  return [...names]
    .filter((name) => only === undefined || name === only)
    .sort()
    .map((name) => ({
      name,
      properties: fromJson<Group['properties']>(known.get(name)?.properties ?? null) ?? {},
      members: users
        .filter((user) => user.groups.includes(name))
        .map((user) => ({ name: user.name, sources: sourcesOf(name, user) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    }));

  function sourcesOf(group: string, user: User): MembershipSource[] {
    const sources: MembershipSource[] = [];
    if (byHand.has(key(group, user.name))) sources.push('administrator');
    if (byConfig.has(key(group, user.name))) sources.push('configuration');
    if (user.authGroups.includes(group)) sources.push('sign-in');
    return sources;
  }
}

/** The names of all groups there are. */
export async function groupNames(ctx: AppContext): Promise<Set<string>> {
  const [rows, { users }] = await Promise.all([repo.listGroupRows(ctx.db), listUsers(ctx.db, { inGroups: true })]);
  const told = users.flatMap((user) => user.groups);
  return new Set([...rows.map(({ name }) => name), ...Object.keys(ctx.config.groups), ...told]);
}

/** Puts people into groups, which are made when they are not there. Part of whatever transaction the context has. */
export async function joinGroups(ctx: AppContext, joining: ReadonlyMap<string, readonly User[]>): Promise<void> {
  const all = new Set<number>();
  for (const [name, users] of joining) {
    checkName(name);
    const made = await repo.insertGroup(ctx.db, name, ctx.clock.now());
    const row = await repo.findGroupRow(ctx.db, name);
    if (!row) throw noGroup(name);
    const ids = users.map(({ id }) => id);
    await repo.insertMembers(ctx.db, row.id, ids);
    for (const id of ids) all.add(id);
    const action = made ? 'group.create' : 'group.add';
    await audit(ctx, { action, ...aboutGroup(name), detail: { users: users.map((user) => user.name) } });
  }
  await settleGroups(ctx.db, [...all]);
  for (const [name, users] of joining)
    await settleMembers(
      ctx,
      name,
      users.map(({ id }) => id),
    );
}

/** These people joined or left a group: what is shared with it, and what its roles reach, is theirs or is not any more. */
export async function settleMembers(ctx: AppContext, name: string, userIds: readonly number[]): Promise<void> {
  await settleGroupShares(ctx, name, userIds);
  if (ctx.roles.ofGroup(name).length > 0) await settleEverywhere(ctx, userIds);
}

/** Whether there is such a group: made here, named in the configuration, or told by the authenticator. */
export async function hasGroup(ctx: AppContext, name: string): Promise<boolean> {
  if (Object.hasOwn(ctx.config.groups, name) || (await repo.findGroupRow(ctx.db, name))) return true;
  return (await listUsers(ctx.db, { groups: [name], limit: 1, total: false })).users.length > 0;
}

/** The groups of one person, and why they are in each. */
export async function membershipsOf(
  ctx: AppContext,
  user: User,
): Promise<{ name: string; sources: MembershipSource[] }[]> {
  const [given, configured] = await Promise.all([
    repo.groupsGivenTo(ctx.db, user.id),
    configGroupsOf(ctx.db, user.name),
  ]);
  return user.groups.map((name) => ({
    name,
    sources: [
      ...(given.includes(name) ? ['administrator' as const] : []),
      ...(configured.includes(name) ? ['configuration' as const] : []),
      ...(user.authGroups.includes(name) ? ['sign-in' as const] : []),
    ],
  }));
}

const key = (group: string, user: string) => JSON.stringify([group, user]);

/** 1–255 characters, no slash (it stands in addresses), nothing invisible, no blank at an edge. */
export function validGroupName(name: string): boolean {
  return name !== '' && name.length <= 255 && name === name.trim() && !/[/\p{C}]/u.test(name);
}

export async function createGroup(ctx: AppContext, name: string, userNames: readonly string[] = []): Promise<void> {
  await createGroups(ctx, [name], userNames);
}

/**
 * All of them with all these people, or none.
 * @throws HubError `invalid_name`, `name_taken`, `bad_request` for somebody who is not there.
 */
export async function createGroups(
  ctx: AppContext,
  names: readonly string[],
  userNames: readonly string[],
): Promise<void> {
  const wanted = [...new Set(names)];
  for (const name of wanted) checkName(name);
  await ctx.db.transaction().execute(async (db) => {
    const within = { ...ctx, db };
    for (const name of wanted) {
      // One that a sign-in told of has no row, but people in it.
      const there = (await listUsers(db, { groups: [name], limit: 1 })).total > 0;
      if (there || !(await repo.insertGroup(db, name, ctx.clock.now()))) {
        throw new HubError('name_taken', `Group ${name} already exists`);
      }
      await settleMembers(within, name, await join(within, name, userNames));
      await audit(within, { action: 'group.create', ...aboutGroup(name), detail: { users: userNames } });
    }
  });
  tellProxies(ctx);
}

/** Idempotent; a group that the configuration or a sign-in named is as good as one that was made. */
export async function addToGroup(ctx: AppContext, name: string, userNames: readonly string[]): Promise<void> {
  await needGroup(ctx, name);
  await ctx.db.transaction().execute(async (db) => {
    await repo.insertGroup(db, name, ctx.clock.now());
    const ids = await join({ ...ctx, db }, name, userNames);
    await settleMembers({ ...ctx, db }, name, ids);
    await audit({ ...ctx, db }, { action: 'group.add', ...aboutGroup(name), detail: { users: userNames } });
  });
  tellProxies(ctx);
}

async function join(ctx: AppContext, name: string, userNames: readonly string[]): Promise<number[]> {
  const users = await usersNamed(ctx, userNames);
  const row = await repo.findGroupRow(ctx.db, name);
  if (!row) throw noGroup(name);
  const ids = users.map(({ id }) => id);
  await repo.insertMembers(ctx.db, row.id, ids);
  await settleGroups(ctx.db, ids);
  return ids;
}

/** Idempotent. @throws HubError `bad_request` for a membership that does not come from an administrator. */
export async function removeFromGroup(ctx: AppContext, name: string, userNames: readonly string[]): Promise<void> {
  const group = await needGroup(ctx, name);
  const users = await usersNamed(ctx, userNames);
  for (const user of users) {
    const sources = group.members.find((member) => member.name === user.name)?.sources ?? [];
    if (sources.includes('configuration')) throw elsewhere(`The configuration puts ${user.name} into ${name}`);
    if (sources.includes('sign-in')) throw elsewhere(`The sign-in of ${user.name} says that they are in ${name}`);
  }
  await ctx.db.transaction().execute(async (db) => {
    const row = await repo.findGroupRow(db, name);
    const ids = users.map(({ id }) => id);
    if (row) await repo.deleteMembers(db, row.id, ids);
    await settleGroups(db, ids);
    await settleMembers({ ...ctx, db }, name, ids);
    await audit({ ...ctx, db }, { action: 'group.remove', ...aboutGroup(name), detail: { users: userNames } });
  });
  tellProxies(ctx);
}

/** @throws HubError `not_found`, or `bad_request` when the group would be back at once. */
export async function deleteGroup(ctx: AppContext, name: string): Promise<void> {
  const group = await needGroup(ctx, name);
  if (Object.hasOwn(ctx.config.groups, name)) throw elsewhere(`The configuration has the group ${name}`);
  const told = group.members.find(({ sources }) => sources.includes('sign-in'));
  if (told) throw elsewhere(`The sign-in of ${told.name} says that they are in ${name}`);
  await ctx.db.transaction().execute(async (db) => {
    const ids = (await repo.listMembers(db, name)).map(({ userId }) => userId);
    const row = await repo.findGroupRow(db, name);
    if (row) await repo.deleteGroupRow(db, row.id);
    await settleGroups(db, ids);
    await revokeSharesOfGroup({ ...ctx, db }, name, ids);
    await settleMembers({ ...ctx, db }, name, ids);
    await audit({ ...ctx, db }, { action: 'group.delete', ...aboutGroup(name) });
  });
  tellProxies(ctx);
}

/** Replaces all of them. */
export async function setGroupProperties(
  ctx: AppContext,
  name: string,
  properties: Group['properties'],
): Promise<void> {
  await needGroup(ctx, name);
  await ctx.db.transaction().execute(async (db) => {
    await repo.insertGroup(db, name, ctx.clock.now());
    const row = await repo.findGroupRow(db, name);
    if (row) await repo.updateProperties(db, row.id, JSON.stringify(properties));
    await audit({ ...ctx, db }, { action: 'group.change', ...aboutGroup(name), detail: { properties } });
  });
}

/** Takes over what the configuration says, when a hub is opened; afterwards everybody's groups are as they should be. */
export async function takeConfiguredGroups(ctx: Pick<AppContext, 'config' | 'db' | 'clock'>): Promise<void> {
  const wanted = Object.entries(ctx.config.groups).flatMap(([group, { users }]) =>
    users.map((name) => ({ group, user: normaliseUserName(name) })),
  );
  const text = (members: readonly repo.ConfigMember[]) =>
    [...new Set(members.map(({ group, user }) => key(group, user)))].sort().join('\n');
  await ctx.db.transaction().execute(async (db) => {
    for (const name of Object.keys(ctx.config.groups)) await repo.insertGroup(db, name, ctx.clock.now());
    if (text(wanted) !== text(await repo.listConfigMembers(db))) await repo.replaceConfigMembers(db, wanted);
    await settleGroups(db);
  });
}

function aboutGroup(name: string): Pick<AuditEntry, 'of'> {
  return { of: { kind: 'group', name } };
}

function checkName(name: string): void {
  if (validGroupName(name)) return;
  throw new HubError('invalid_name', `"${name}" cannot be the name of a group: 1 to 255 characters, no slash.`);
}

async function needGroup(ctx: AppContext, name: string): Promise<Group> {
  const group = await findGroup(ctx, name);
  if (!group) throw noGroup(name);
  return group;
}

const noGroup = (name: string) => new HubError('not_found', `No such group: ${name}`);
const elsewhere = (what: string) => new HubError('bad_request', `${what}. Change it there.`);

async function usersNamed(ctx: AppContext, names: readonly string[]): Promise<User[]> {
  // An account made with capital letters is found as it is written, any other as people write it.
  const found = await findUsersByName(ctx.db, [...new Set(names.flatMap((name) => [name, normaliseUserName(name)]))]);
  const byName = new Map(found.map((user) => [user.name, user]));
  const users = new Set<User>();
  for (const name of names) {
    const user = byName.get(name) ?? byName.get(normaliseUserName(name));
    if (!user) throw new HubError('bad_request', `No such user: ${name}`);
    users.add(user);
  }
  return [...users];
}
