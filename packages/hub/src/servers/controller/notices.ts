import type { Observed } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { insertEvents, readEvents } from '../events.repo.ts';
import type { Server } from '../server.ts';

/** Stores what happened inside a server that goes on (a kernel ran out of memory), each notice once. */
export async function recordNotices(
  ctx: AppContext,
  server: Server,
  notices: NonNullable<Observed['notices']>,
): Promise<void> {
  const known = await readEvents(ctx.db, server.id, server.generation, 0);
  const fresh = notices.filter(
    ({ at, message }) => !known.some((event) => event.at === at && event.message === message),
  );
  const base = { serverId: server.id, generation: server.generation, percent: 100, kind: 'notice' as const };
  await insertEvents(
    ctx.db,
    fresh.map(({ at, message }) => ({ ...base, at, message })),
  );
  for (const { code, message } of fresh) ctx.log.warn({ server: server.id, user: server.userName, code }, message);
  if (fresh.length > 0) ctx.wakeups.notify('progress', server.id);
}
