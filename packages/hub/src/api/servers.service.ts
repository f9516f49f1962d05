import { HubError, type Options } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import {
  failureStatus,
  findServer,
  isReady,
  pendingOf,
  removeServer,
  requestStart,
  requestStop,
  type Server,
  waitForServer,
} from '../servers/servers.service.ts';
import type { User } from '../users/users.service.ts';

export interface StartWishes {
  displayName?: string | undefined;
  userOptions?: Options | undefined;
}

/**
 * The body of a start (contract §3.7): nothing, `{display_name, user_options}`, or the options themselves.
 * @throws HubError `bad_request` for any other shape.
 */
export function readStartBody(body: unknown): StartWishes {
  if (body === undefined || body === null) return {};
  if (!isRecord(body)) throw new HubError('bad_request', 'The body must be a JSON object');
  if (!('display_name' in body) && !('user_options' in body)) {
    return Object.keys(body).length === 0 ? {} : { userOptions: body as Options };
  }
  const { display_name: displayName, user_options: userOptions } = body;
  if (displayName !== undefined && displayName !== null && typeof displayName !== 'string') {
    throw new HubError('bad_request', 'display_name must be a string');
  }
  if (userOptions !== undefined && userOptions !== null && !isRecord(userOptions)) {
    throw new HubError('bad_request', 'user_options must be a JSON object');
  }
  return { displayName: displayName ?? undefined, userOptions: (userOptions ?? undefined) as Options | undefined };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Starts and waits up to `start.slow`. True when it is ready, false when it goes on.
 * @throws HubError `spawn_failed` with the explanation when the start ended within that time.
 */
export async function startAndWait(
  ctx: AppContext,
  user: User,
  name: string,
  { again, ...wishes }: StartWishes & { by: string; again: boolean },
): Promise<boolean> {
  const before = await findServer(ctx.db, user.id, name);
  if (before && pendingOf(before) === 'spawn') return false;
  // Asked for by this very request, of a hub that did not live to say so.
  if (again && before && isReady(before)) return true;
  const started = await requestStart(ctx, user, name, { ...wishes, seen: before ?? null });
  // Whatever has become of it meanwhile (contract §3.7).
  if (ctx.config.start.slow === 0) return false;
  const over = (server: Server) =>
    server.generation !== started.generation ||
    isReady(server) ||
    server.phase === 'stopped' ||
    server.failure !== null;
  const after = await waitForServer(ctx, started.id, over, ctx.config.start.slow * 1000);
  if (after.generation === started.generation) {
    if (isReady(after)) return true;
    if (after.failure)
      throw new HubError('spawn_failed', after.failure.message, {
        status: failureStatus(after.failure),
        facts: { code: after.failure.code },
      });
    if (after.desired === 'running') return false;
  }
  throw new HubError('spawn_failed', 'Spawn cancelled');
}

/** Stops and waits up to `start.slow`. True when it is gone, false when that goes on. */
export async function stopAndWait(
  ctx: AppContext,
  server: Server,
  { by, remove }: { by: string; remove: boolean },
): Promise<boolean> {
  await requestStop(ctx, server, { code: by === server.userName ? 'user' : 'admin', by });
  const stopped = (now: Server) => now.phase === 'stopped';
  const after = await waitForServer(ctx, server.id, stopped, ctx.config.start.slow * 1000);
  if (!stopped(after)) {
    // A hub that dies meanwhile forgets the removal, not the stop; the record stays and can be removed again.
    if (remove) void removeLater(ctx, server, stopped);
    return false;
  }
  if (remove) await removeServer(ctx, after);
  return true;
}

async function removeLater(ctx: AppContext, server: Server, stopped: (now: Server) => boolean): Promise<void> {
  try {
    const after = await waitForServer(ctx, server.id, stopped, ctx.config.start.stopTimeout * 4_000);
    await removeServer(ctx, after);
  } catch (err) {
    ctx.log.warn({ err, server: server.id }, 'server not removed after its stop');
  }
}
