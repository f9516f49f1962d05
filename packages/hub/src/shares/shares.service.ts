import { randomBytes } from 'node:crypto';
import { HubError, parseScope } from '@atrium/sdk';
import { tellProxies } from '../access/bars.service.ts';
import { settleAccess } from '../access/settle.service.ts';
import { type AuditEntry, audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { mayDo, type Requester } from '../http/requester.ts';
import { hashToken } from '../keys.ts';
import { PREFIX_LENGTH } from '../legacy/legacy-tokens.service.ts';
import { matchesTokenHash } from '../legacy/token-hash.ts';
import { findServer, logName, type Server, serverRecord } from '../servers/servers.service.ts';
import { findUser, listUsers, type User } from '../users/users.service.ts';
import { sharesChanged } from './received.ts';
import * as repo from './shares.repo.ts';

export { receivedScopes, scopesOfShare, sharesChanged, sharesReaching } from './received.ts';
export type { Receiver, Share, ShareCode, SharedServer } from './shares.repo.ts';

type ShareCode = repo.ShareCode;
type Receiver = repo.Receiver;
type Share = repo.Share;

/** What a share gives unless more is asked for. */
const ACCESS = 'access:servers';
/** Bytes of a code: 43 characters (contract §3.3). */
const CODE_BYTES = 32;
/** Longer is no code of anybody. */
const LONGEST_CODE = 64;
/** Of one server; more is a script that forgot to delete them. */
const MOST_CODES = 1_000;
/** Seconds. */
export const CODE_LIFE = { least: 60, most: 31_536_000, usual: 86_400 } as const;

/** The server that an address names. Everybody has a default one, which gets its record when it is first shared. */
export async function serverToShare(ctx: AppContext, owner: User, name: string): Promise<Server> {
  const server = name === '' ? await serverRecord(ctx, owner) : await findServer(ctx.db, owner.id, name);
  if (!server) throw new HubError('not_found', `No such server: ${owner.name}/${name}`);
  return server;
}

/**
 * Scopes as somebody wrote them, to how they are stored: without their filter, which can only be this server.
 * @throws HubError `bad_request` for one that does not exist, or has another filter.
 */
export function scopesToShare(
  ctx: AppContext,
  server: Pick<Server, 'userName' | 'name'>,
  written: readonly string[] | null | undefined,
): string[] {
  const id = `${server.userName}/${server.name}`;
  const names = (written?.length ? written : [ACCESS]).map((text) => {
    const { name, kind, value } = parseScope(text, ctx.roles.customScopes);
    if (kind !== undefined && !(kind === 'server' && value === id)) {
      throw new HubError('bad_request', `!${text.split('!')[1]} not allowed on sharing ${text}, only !server=${id}`);
    }
    return name;
  });
  return [...new Set(names)].sort();
}

/** Nobody gives what they do not have. */
export async function checkMayGive(
  ctx: AppContext,
  requester: Pick<Requester, 'user' | 'scopes'>,
  server: Pick<Server, 'userName' | 'name'>,
  scopes: readonly string[],
): Promise<void> {
  const target = { user: server.userName, server: server.name };
  for (const scope of scopes) {
    if (await mayDo(ctx, requester, [scope], target)) continue;
    const text = `${scope}!server=${server.userName}/${server.name}`;
    throw new HubError('not_allowed', `Do not have permission to grant share with scope ${text}`);
  }
}

/** The same server, and the same person or group, have one share: more scopes join those that are there. */
export async function grantShare(
  ctx: AppContext,
  server: Server,
  receiver: Receiver,
  scopes: readonly string[],
  detail: Readonly<Record<string, unknown>> = {},
): Promise<Share> {
  if (receiver.kind === 'user' && receiver.id === server.userId) {
    throw new HubError('bad_request', "You can't share with yourself!");
  }
  const share = await ctx.db.transaction().execute(async (db) => {
    const within = { ...ctx, db };
    const before = await shareOf(within, server.id, receiver);
    const all = [...new Set([...(before?.scopes ?? []), ...scopes])].sort();
    const now = ctx.clock.now();
    if (!before || all.length > before.scopes.length) {
      await repo.putShare(db, { serverId: server.id, receiver, scopes: all, now });
      await audit(within, {
        action: 'share.grant',
        ...aboutServer(server),
        detail: { [receiver.kind]: receiver.name, scopes, ...detail },
      });
    }
    const made = await shareOf(within, server.id, receiver);
    if (!made) throw new Error('a share went while it was made');
    await settleAccess(within, made.server, await peopleOf(within, made));
    return made;
  });
  sharesChanged(ctx);
  tellProxies(ctx);
  return share;
}

/** Undefined when nothing is left of it. Without scopes, all go. */
export async function revokeShare(
  ctx: AppContext,
  share: Share,
  scopes?: readonly string[] | undefined,
): Promise<Share | undefined> {
  const left = await ctx.db.transaction().execute(async (db) => {
    const within = { ...ctx, db };
    const now = await repo.listShares(db, { id: share.id }, ctx.clock.now());
    return takeFrom(within, now.shares[0], scopes);
  });
  tellProxies(ctx);
  return left;
}

/** Within a transaction. */
async function takeFrom(
  ctx: AppContext,
  share: Share | undefined,
  scopes: readonly string[] | undefined,
): Promise<Share | undefined> {
  if (!share) return undefined;
  const left = scopes === undefined ? [] : share.scopes.filter((scope) => !scopes.includes(scope));
  if (left.length === share.scopes.length) return share;
  const people = await peopleOf(ctx, share);
  const receiver = await receiverOf(ctx, share);
  if (left.length > 0 && receiver) {
    await repo.putShare(ctx.db, { serverId: share.server.id, receiver, scopes: left, now: ctx.clock.now() });
  } else await repo.deleteShare(ctx.db, share.id);
  await audit(ctx, {
    action: 'share.revoke',
    ...aboutShared(share),
    detail: { ...receiverIn(share), scopes: share.scopes.filter((scope) => !left.includes(scope)) },
  });
  await settleAccess(ctx, share.server, people);
  return left.length > 0 ? { ...share, scopes: left } : undefined;
}

const receiverIn = ({ user, group }: Share) => (user === null ? { group } : { user });

async function receiverOf({ db }: AppContext, { user, group }: Share): Promise<Receiver | undefined> {
  if (group !== null) return { kind: 'group', name: group };
  const found = user === null ? undefined : await findUser(db, user);
  return found && { kind: 'user', id: found.id, name: found.name };
}

/** Everybody's at once. */
export async function revokeAllShares(ctx: AppContext, server: Server): Promise<void> {
  await ctx.db.transaction().execute(async (db) => {
    const within = { ...ctx, db };
    const { shares } = await repo.listShares(db, { serverId: server.id }, ctx.clock.now());
    for (const share of shares) await takeFrom(within, share, undefined);
  });
  tellProxies(ctx);
}

/** Ends what was shared until a time that has come: a request finds that out by itself, an open connection never does. */
export async function endShares(ctx: AppContext): Promise<void> {
  const { shares } = await repo.listShares(ctx.db, { ended: 'only' }, ctx.clock.now());
  for (const share of shares) {
    await ctx.db.transaction().execute(async (db) => {
      const within = { ...ctx, db };
      const people = await peopleOf(within, share);
      if (!(await repo.deleteEndedShare(db, share.id, ctx.clock.now()))) return;
      const detail = { ...receiverIn(share), scopes: share.scopes, ended: true };
      await audit(within, { action: 'share.revoke', ...aboutShared(share), detail });
      await settleAccess(within, share.server, people);
    });
    tellProxies(ctx);
  }
}

/** How long somebody may still be connected after their share's end, ms. */
const LOOK_MS = 60_000;

/** Ends shares when their time has come, until the signal. Those that ended while no hub ran are ended at once. */
export async function watchShares(ctx: AppContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await endShares(ctx).catch((err) => {
      if (!signal.aborted) ctx.log.warn({ err }, 'shares that are over not ended; will look again');
    });
    await ctx.clock.sleep(LOOK_MS, signal).catch(() => {});
  }
}

/** One whose time has come just now, too: `endShares` will not find there whoever leaves before it looks. */
const ofGroup = (name: string): repo.ShareFilter => ({ receiver: { kind: 'group', name }, ended: 'too' });

/** A group goes, and what was shared with it. Within the transaction that removes it; the people are known by number. */
export async function revokeSharesOfGroup(ctx: AppContext, group: string, userIds: readonly number[]): Promise<void> {
  const { shares } = await repo.listShares(ctx.db, ofGroup(group), ctx.clock.now());
  await repo.deleteSharesOfGroup(ctx.db, group);
  for (const share of shares) await settleAccess(ctx, share.server, userIds);
}

/** People joined or left a group: what is shared with it reaches them from now on, or does not any more. */
export async function settleGroupShares(ctx: AppContext, group: string, userIds: readonly number[]): Promise<void> {
  const { shares } = await repo.listShares(ctx.db, ofGroup(group), ctx.clock.now());
  for (const share of shares) await settleAccess(ctx, share.server, userIds);
}

export async function shareOf(ctx: AppContext, serverId: string, receiver: Receiver): Promise<Share | undefined> {
  return (await repo.listShares(ctx.db, { serverId, receiver }, ctx.clock.now())).shares[0];
}

/** A part of the list, and how many there are in all. */
export function listShares(
  ctx: AppContext,
  filter: repo.ShareFilter,
  part?: repo.Part,
): Promise<{ total: number; shares: Share[] }> {
  return repo.listShares(ctx.db, filter, ctx.clock.now(), part);
}

export function listCodes(
  ctx: AppContext,
  filter: repo.CodeFilter,
  part?: repo.Part,
): Promise<{ total: number; codes: ShareCode[] }> {
  return repo.listCodes(ctx.db, filter, ctx.clock.now(), part);
}

async function peopleOf({ db }: AppContext, { user, group }: Share): Promise<number[]> {
  const { users } = await listUsers(db, group !== null ? { groups: [group] } : { names: user === null ? [] : [user] });
  return users.map(({ id }) => id);
}

/** The code is shown once and stored only as a hash. */
export async function makeCode(
  ctx: AppContext,
  server: Server,
  scopes: readonly string[],
  expiresIn: number,
): Promise<{ code: string; row: ShareCode }> {
  const code = randomBytes(CODE_BYTES).toString('base64url');
  const row = await ctx.db.transaction().execute(async (db) => {
    const now = ctx.clock.now();
    await repo.deleteEndedCodes(db, now);
    if ((await repo.listCodes(db, { serverId: server.id }, now, { offset: 0, limit: 1 })).total >= MOST_CODES) {
      throw new HubError('limit_reached', `There already are ${MOST_CODES} codes for this server. Delete some first.`);
    }
    const expiresAt = now + expiresIn * 1000;
    const id = await repo.insertCode(db, { serverId: server.id, hash: hashToken(code), scopes, now, expiresAt });
    const detail = { id: `sc_${id}`, scopes, expiresAt };
    await audit({ ...ctx, db }, { action: 'share-code.create', ...aboutServer(server), detail });
    return (await repo.listCodes(db, { id }, now)).codes[0];
  });
  if (!row) throw new Error('a share code went while it was made');
  return { code, row };
}

/** Undefined for one that is unknown or has ended: nobody is told which. */
export async function findCode(ctx: AppContext, text: string): Promise<ShareCode | undefined> {
  if (text === '' || text.length > LONGEST_CODE) return undefined;
  const now = ctx.clock.now();
  const look = async () => (await repo.listCodes(ctx.db, { hash: hashToken(text) }, now)).codes[0];
  const found = await look();
  if (found) return found;
  const legacy = await repo.legacyCodes(ctx.db, text.slice(0, PREFIX_LENGTH));
  const theirs = legacy.find(({ hashed }) => matchesTokenHash(hashed, text));
  if (!theirs) return undefined;
  await repo.settleLegacyCode(ctx.db, theirs.id, hashToken(text));
  return look();
}

/** Whoever has the code gets the share. @throws HubError `bad_request` for one's own. */
export async function exchangeCode(ctx: AppContext, code: ShareCode, user: User): Promise<Share> {
  const server = await findServer(ctx.db, code.server.ownerId, code.server.name);
  if (!server) throw new HubError('bad_request', 'Invalid share code');
  const receiver: Receiver = { kind: 'user', id: user.id, name: user.name };
  const share = await grantShare(ctx, server, receiver, code.scopes, { code: `sc_${code.id}` });
  await repo.countExchange(ctx.db, code.id, ctx.clock.now());
  return share;
}

export async function deleteCodes(ctx: AppContext, server: Server, codes: readonly ShareCode[]): Promise<void> {
  await repo.deleteCodes(
    ctx.db,
    codes.map(({ id }) => id),
  );
  if (codes.length === 0) return;
  const detail = { ids: codes.map(({ id }) => `sc_${id}`) };
  await audit(ctx, { action: 'share-code.delete', ...aboutServer(server), detail });
}

function aboutServer({ userName, name }: Pick<Server, 'userName' | 'name'>): Pick<AuditEntry, 'of'> {
  return { of: { kind: 'server', name: logName(userName, name), owner: userName } };
}

function aboutShared({ server }: Share): Pick<AuditEntry, 'of'> {
  return aboutServer({ userName: server.owner, name: server.name });
}
