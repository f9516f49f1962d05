import { HubError } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { mayDo, requireScope, type Viewer } from '../http/requester.ts';
import { findServer, type Server } from '../servers/servers.service.ts';
import { findUser, type User } from '../users/users.service.ts';
import type { FormTarget } from './templates/parts.ts';

/** Not there and not theirs read the same (contract §3.1). */
export function notFound(): HubError {
  return new HubError('not_found', 'No access to resources or resources not found');
}

/** The person a page is about: the viewer when no name is given. */
export async function ownerOf(ctx: AppContext, viewer: Viewer, name: string | undefined): Promise<User> {
  if (name === undefined || name === viewer.user.name) return viewer.user;
  const user = await findUser(ctx.db, name);
  if (!user) throw notFound();
  return user;
}

/** Checks the scope first, so that a name that is not there tells nothing. */
export async function ownerWithScope(
  ctx: AppContext,
  viewer: Viewer,
  scopes: readonly string[],
  { user, server }: { user: string | undefined; server: string },
): Promise<User> {
  await requireScope(ctx, viewer, scopes, { user: user ?? viewer.user.name, server });
  return ownerOf(ctx, viewer, user);
}

export interface ServerRights {
  start: FormTarget | undefined;
  stop: FormTarget | undefined;
  /** Its output, which may hold anything the owner printed: for them and administrators only. */
  readLog: boolean;
}

/** What this person may do with a server, as the forms that do it. `next` is where a start leads. */
export async function rightsOver(
  ctx: AppContext,
  viewer: Viewer,
  owner: User,
  server: string,
  next?: string,
): Promise<ServerRights> {
  const target = { user: owner.name, server };
  const fields = { ...target, ...(next !== undefined && { next }) };
  const form = (action: string, allowed: boolean) =>
    allowed ? { action: `${ctx.urls.hub}home/${action}`, fields } : undefined;
  return {
    start: form('start', await mayDo(ctx, viewer, ['start:servers'], target)),
    stop: form('stop', await mayDo(ctx, viewer, ['delete:servers'], target)),
    readLog: viewer.user.id === owner.id || viewer.user.admin,
  };
}

/** Names from a path below `user/`: the second part is a server only when there is one of that name (contract §5.4). */
export async function serverOfPath(
  ctx: AppContext,
  path: string,
): Promise<{ user: User; serverName: string; server: Server | undefined } | undefined> {
  const [name = '', first] = path.split('/').map(decoded);
  const user = name === '' ? undefined : await findUser(ctx.db, name);
  if (!user) return undefined;
  const named = first ? await findServer(ctx.db, user.id, first) : undefined;
  if (named) return { user, serverName: named.name, server: named };
  return { user, serverName: '', server: await findServer(ctx.db, user.id, '') };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
