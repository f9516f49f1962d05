import { HubError, sameSecret, subscopes } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { acceptUrl } from '../api/shares.ts';
import type { AppContext } from '../context.ts';
import { findGroup } from '../groups/groups.service.ts';
import { mayDo, type Viewer } from '../http/requester.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { findServer, type Server } from '../servers/servers.service.ts';
import { knownSession } from '../sessions/sessions.service.ts';
import {
  checkMayGive,
  deleteCodes,
  grantShare,
  listCodes,
  listShares,
  makeCode,
  type Receiver,
  revokeShare,
  type Share,
  type SharedServer,
  scopesToShare,
  serverToShare,
  shareOf,
  sharesReaching,
} from '../shares/shares.service.ts';
import { describeScope } from '../tokens/tokens.service.ts';
import { findUser, normaliseUserName, type User } from '../users/users.service.ts';
import { answer, fieldOf, originOf, viewerOf } from './answer.ts';
import { absentServer, viewServer } from './server-view.ts';
import { notFound, ownerWithScope } from './servers-of.ts';
import { t } from './strings.ts';
import { type SharedView, type ShareModel, sharedName, sharePage } from './templates/share.ts';

const ACCESS = 'access:servers';
const HOUR = 3_600;
const DAY = 24 * HOUR;
const LIFETIMES = [HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY];

type Extra = Partial<Pick<ShareModel, 'fresh' | 'done' | 'error' | 'given'>> & { status?: number };

interface Place {
  owner: User;
  name: string;
  server: Server | undefined;
}

/** Where somebody says who else may use a server of theirs. */
export const shareRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}share`;
  const config = { page: true } as const;

  /** The server of a form or an address; the viewer's own unless it says whose. */
  async function placeIn(source: unknown, viewer: Viewer, scope: 'read:shares' | 'shares'): Promise<Place> {
    const name = fieldOf(source, 'server') ?? '';
    const owner = await ownerWithScope(ctx, viewer, [scope], { user: fieldOf(source, 'user'), server: name });
    const server = await findServer(ctx.db, owner.id, name);
    if (!server && name !== '') throw notFound();
    return { owner, name, server };
  }

  async function show(request: FastifyRequest, reply: FastifyReply, place: Place, extra: Extra = {}) {
    const viewer = viewerOf(request);
    const { owner, name, server } = place;
    const { status = 200, ...rest } = extra;
    const { shares } = server ? await listShares(ctx, { serverId: server.id }) : { shares: [] };
    const { codes } = server ? await listCodes(ctx, { serverId: server.id }) : { codes: [] };
    const view = server ? viewServer(ctx, server, viewer) : absentServer(ctx, owner, name, viewer);
    const body = sharePage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      now: ctx.clock.now(),
      fields: { user: owner.name, server: name },
      label: view.label,
      mayShare: await mayDo(ctx, viewer, ['shares'], { user: owner.name, server: name }),
      shares: shares.map((share) => viewShare(ctx, share)),
      links: codes.map(({ id, expiresAt, exchangeCount }) => ({
        id: `sc_${id}`,
        number: id,
        ends: expiresAt,
        used: exchangeCount,
      })),
      lifetimes: LIFETIMES,
      ...rest,
    });
    return answer(ctx, request, reply, { title: t.share.title, status }, body);
  }

  const back = (reply: FastifyReply, { owner, name }: Place, more: Record<string, string>) =>
    reply.redirect(`${url}?${new URLSearchParams({ user: owner.name, server: name, ...more })}`, 303);

  app.get(url, { config }, async (request, reply) => {
    const place = await placeIn(request.query, viewerOf(request), 'read:shares');
    const done = await doneOf(request, place);
    return show(request, reply, place, done ? { done } : {});
  });

  /** What the form before did, as long as that is still so. */
  async function doneOf(request: FastifyRequest, { server }: Place): Promise<ShareModel['done']> {
    const { query } = request;
    const done = fieldOf(query, 'done');
    if (done === 'unlinked') return { text: t.share.removed };
    const receiver = await receiverNamed(ctx, query);
    if (!server || !receiver || (done !== 'granted' && done !== 'revoked')) return undefined;
    const { kind, name } = receiver;
    const shown = kind === 'group' ? t.share.group(name) : name;
    const share = await shareOf(ctx, server.id, receiver);
    if (done === 'granted') return share && { text: t.share.granted(shown) };
    const scopes = scopesOf(query);
    // Anybody can write a link to here. It must neither say who exists nor put a share on a button.
    if (share || !isMarked(request, server.id, receiver, scopes)) return undefined;
    const text = t.share.revoked(shown);
    if (!(await mayKnow(viewerOf(request), kind, name))) return { text };
    return { text, undo: { kind, name, scopes: scopes.join(' '), mark: fieldOf(query, 'mark') ?? '' } };
  }

  const mayKnow = (viewer: Viewer, kind: Receiver['kind'], name: string) =>
    mayDo(ctx, viewer, [`read:${kind}s:name`], { [kind]: name });

  /** Shows that we wrote these scopes ourselves, in this session, when they were taken from this receiver. */
  function markOf(request: FastifyRequest, serverId: string, receiver: Receiver, scopes: readonly string[]) {
    const session = knownSession(request)?.hash;
    if (session === undefined) return undefined;
    const whose = receiver.kind === 'user' ? receiver.id : receiver.name;
    return ctx.keys.sign('share-undo', JSON.stringify([session, serverId, receiver.kind, whose, scopes]));
  }

  function isMarked(request: FastifyRequest, serverId: string, receiver: Receiver, scopes: readonly string[]): boolean {
    const mark = markOf(request, serverId, receiver, scopes);
    const given = fieldOf(request.method === 'GET' ? request.query : request.body, 'mark');
    return mark !== undefined && given !== undefined && sameSecret(given, mark);
  }

  app.post(`${url}/add`, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const viewer = viewerOf(request);
    const place = await placeIn(request.body, viewer, 'shares');
    const name = (fieldOf(request.body, 'name') ?? '').trim();
    const kind = fieldOf(request.body, 'kind') === 'group' ? 'group' : 'user';
    const again = (error: string, status: number) =>
      show(request, reply, place, { error, given: { name, kind }, status });
    if (name === '') return again(t.share.noName, 400);
    if (!(await mayKnow(viewer, kind, normalised(kind, name)))) return again(t.share.mayNotName, 403);
    const receiver = await receiverNamed(ctx, { kind, name });
    if (!receiver) return again(kind === 'group' ? t.share.noGroup(name) : t.share.noUser(name), 400);
    try {
      // What was taken back is given back as it was.
      const scopes = scopesOf(request.body);
      const server = await serverToShare(ctx, place.owner, place.name);
      if (scopes.length > 0 && !isMarked(request, server.id, receiver, scopes)) return again(t.share.noUndo, 400);
      const wanted = scopesToShare(ctx, server, scopes);
      await checkMayGive(ctx, viewer, server, wanted);
      await grantShare(ctx, server, receiver, wanted);
    } catch (error) {
      if (!(error instanceof HubError) || error.status >= 500) throw error;
      return again(error.message, error.status);
    }
    return back(reply, place, { done: 'granted', kind, name: receiver.name });
  });

  app.post(`${url}/revoke`, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const place = await placeIn(request.body, viewerOf(request), 'shares');
    const receiver = await receiverNamed(ctx, request.body);
    const share = place.server && receiver && (await shareOf(ctx, place.server.id, receiver));
    if (!share || !receiver) return back(reply, place, {});
    await revokeShare(ctx, share);
    const { kind, name } = receiver;
    const mark = markOf(request, share.server.id, receiver, share.scopes) ?? '';
    return back(reply, place, { done: 'revoked', kind, name, scopes: share.scopes.join(' '), mark });
  });

  app.post(`${url}/link`, { config }, async (request, reply) => {
    const viewer = viewerOf(request);
    const place = await placeIn(request.body, viewer, 'shares');
    const life = Number(fieldOf(request.body, 'expires_in'));
    if (!LIFETIMES.includes(life)) throw new HubError('bad_request', t.share.badLife);
    const server = await serverToShare(ctx, place.owner, place.name);
    const scopes = scopesToShare(ctx, server, undefined);
    await checkMayGive(ctx, viewer, server, scopes);
    const { code } = await makeCode(ctx, server, scopes, life);
    return show(request, reply, { ...place, server }, { fresh: originOf(ctx, request) + acceptUrl(ctx, code) });
  });

  app.post(`${url}/unlink`, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const place = await placeIn(request.body, viewerOf(request), 'shares');
    const id = /^sc_(\d{1,15})$/.exec(fieldOf(request.body, 'id') ?? '')?.[1];
    if (place.server && id !== undefined) {
      const { codes } = await listCodes(ctx, { serverId: place.server.id, id: Number(id) });
      await deleteCodes(ctx, place.server, codes);
    }
    return back(reply, place, { done: 'unlinked' });
  });

  app.post(`${url}/leave`, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const { user } = viewerOf(request);
    const owner = await findUser(ctx.db, fieldOf(request.body, 'owner') ?? '');
    const server = owner && (await findServer(ctx.db, owner.id, fieldOf(request.body, 'server') ?? ''));
    const receiver = { kind: 'user' as const, id: user.id, name: user.name };
    const share = server && (await shareOf(ctx, server.id, receiver));
    if (!share) return reply.redirect(`${ctx.urls.hub}home`, 303);
    await revokeShare(ctx, share);
    const of = encodeURIComponent(sharedName(viewShared(ctx, share)));
    return reply.redirect(`${ctx.urls.hub}home?done=left&of=${of}`, 303);
  });
};

const normalised = (kind: 'user' | 'group', name: string) => (kind === 'user' ? normaliseUserName(name) : name);

const scopesOf = (source: unknown) => (fieldOf(source, 'scopes') ?? '').split(' ').filter(Boolean);

/** As forms and addresses say it: `kind` and `name`. */
async function receiverNamed(ctx: AppContext, source: unknown): Promise<Receiver | undefined> {
  const name = fieldOf(source, 'name') ?? '';
  // No name has it, and PostgreSQL does not even look.
  if (name.includes('\0')) return undefined;
  if (fieldOf(source, 'kind') === 'group') {
    return (await findGroup(ctx, name)) && { kind: 'group', name };
  }
  const user = (await findUser(ctx.db, name)) ?? (await findUser(ctx.db, normaliseUserName(name)));
  return user && { kind: 'user', id: user.id, name: user.name };
}

function viewShare(ctx: AppContext, share: Share) {
  return {
    kind: share.group === null ? ('user' as const) : ('group' as const),
    name: share.group ?? share.user ?? '',
    words: share.scopes.map((scope) => describeScope(scope, ctx.roles.customScopes)),
    since: share.created,
  };
}

function iconOf({ phase, desired }: SharedServer): SharedView['icon'] {
  if (phase === 'ready') return desired === 'running' ? 'running' : 'stopping';
  if (phase === 'queued' || phase === 'starting') return 'starting';
  return phase === 'stopping' ? 'stopping' : 'stopped';
}

function viewShared(ctx: AppContext, { server, group }: Share): SharedView {
  return {
    owner: server.owner,
    server: server.name,
    label: server.name === '' ? '' : server.displayName || server.name,
    icon: iconOf(server),
    url: ctx.urls.serverUrl(server.owner, server.name),
    group,
  };
}

/** What others let this person open, each server once; their own way before a group's. */
export async function sharedWith(ctx: AppContext, user: User): Promise<SharedView[]> {
  const shares = (await sharesReaching(ctx, user)).filter(
    ({ server, scopes }) => server.ownerId !== user.id && scopes.some((scope) => subscopes(scope).includes(ACCESS)),
  );
  const own = shares.filter(({ group }) => group === null);
  const byGroup = shares.filter(({ group }) => group !== null);
  const first = new Map<string, Share>();
  for (const share of [...own, ...byGroup]) if (!first.has(share.server.id)) first.set(share.server.id, share);
  return [...first.values()].map((share) => viewShared(ctx, share));
}
