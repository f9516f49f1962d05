import { HubError } from '@atrium/sdk';
import { z } from 'zod';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { explainAccess } from '../login/allow.ts';
import { createResetLink, setPassword } from '../login/links.service.ts';
import { isActive, listServers } from '../servers/servers.service.ts';
import { issueToken } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import {
  acceptsUserName,
  countAdmins,
  createUser,
  deleteUser,
  findUser,
  listUsers,
  normaliseUserName,
  type User,
  updateUser,
} from '../users/users.service.ts';
import { defineVerb } from './verb.ts';

const BY = 'command line';

/** @throws HubError `not_found` */
export async function userNamed(ctx: AppContext, name: string): Promise<User> {
  const user = await findUser(ctx.db, normaliseUserName(name));
  if (!user) throw new HubError('not_found', `There is no user ${name}. atrium user list names them all.`);
  return user;
}

function needAccounts(ctx: AppContext) {
  const { accounts, id } = ctx.authenticator;
  if (!accounts) {
    throw new HubError('bad_request', `Passwords are not kept here: people sign in by the authenticator "${id}".`);
  }
  return accounts;
}

const Name = z.strictObject({ name: z.string() });
const NewUser = Name.extend({ admin: z.boolean(), password: z.string().optional() });

/** An account made here is allowed in. Without a password, a link lets the person choose one. */
const add = defineVerb(NewUser, async (ctx, { name: given, admin, password }) => {
  const name = normaliseUserName(given);
  if (!acceptsUserName(ctx, name))
    throw new HubError(
      'invalid_name',
      `"${given}" cannot be a user name. It needs at least one character, no slash or line end, and to fit usernamePattern where that is set.`,
    );
  if (password !== undefined) {
    const problem = needAccounts(ctx).problem(name, password);
    if (problem) throw new HubError('bad_request', problem);
  }
  const now = ctx.clock.now();
  // Whoever makes the first administrator here needs no link for it, and means the same.
  const allowedBy = admin && (await countAdmins(ctx.db)) === 0 ? 'first-admin' : 'administrator';
  const user = await createUser(ctx.db, { name, admin, allowedBy, now });
  if (!user) throw new HubError('name_taken', `There is a user ${name} already.`);
  await audit(ctx, { action: 'user.create', of: { kind: 'user', name }, detail: { admin } });
  if (password !== undefined) await setPassword(ctx, user, password);
  const link = password === undefined && ctx.authenticator.accounts ? await createResetLink(ctx, user, BY) : null;
  ctx.log.info({ user: name, admin, by: BY }, 'user created');
  return { name, admin, link };
});

const list = defineVerb(z.strictObject({}), async (ctx) => {
  const { users } = await listUsers(ctx.db, { sort: 'name' });
  const servers = await listServers(
    ctx.db,
    users.map(({ id }) => id),
  );
  return users.map((user) => ({
    name: user.name,
    admin: user.admin,
    pending: user.pending,
    blocked: user.blocked,
    servers: (servers.get(user.id) ?? []).filter(isActive).map(({ name }) => name),
    created: user.created,
    lastActivity: user.lastActivity,
  }));
});

const remove = defineVerb(Name, async (ctx, { name }) => {
  const user = await userNamed(ctx, name);
  await deleteUser(ctx, user, { by: BY });
  return { name: user.name, home: ctx.config.onUserDelete };
});

const passwd = defineVerb(
  Name.extend({ password: z.string(), admin: z.boolean() }),
  async (ctx, { name, password, admin }) => {
    needAccounts(ctx);
    const user = await userNamed(ctx, name);
    const problem = await setPassword(ctx, user, password);
    if (problem) throw new HubError('bad_request', problem);
    if (admin && !user.admin) {
      await updateUser(ctx.db, user.id, { admin: true });
      await audit(ctx, { action: 'user.change', of: { kind: 'user', name: user.name }, detail: { admin } });
    }
    return { name: user.name, admin: user.admin || admin };
  },
);

const TokenRequest = Name.extend({
  scopes: z.array(z.string()),
  expiresIn: z.int().positive().nullable(),
  note: z.string(),
});

const token = defineVerb(TokenRequest, async (ctx, { name, scopes, expiresIn, note }) => {
  const user = await userNamed(ctx, name);
  const issued = await issueToken(ctx, { owner: asUser(user), scopes, note, expiresIn });
  return { user: user.name, id: `a${issued.id}`, token: issued.token, scopes, expiresAt: issued.row.expiresAt };
});

const explain = defineVerb(Name, (ctx, { name }) => explainAccess(ctx, normaliseUserName(name)));

export const userVerbs = {
  'user-add': add,
  'user-list': list,
  'user-remove': remove,
  'user-passwd': passwd,
  token,
  'auth-explain': explain,
};
