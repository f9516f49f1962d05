import { HubError } from '@atrium/sdk';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { findServerById, isReady, logName, type Server, setKeepOn, touchServer } from '../servers/servers.service.ts';
import { latestKeepOn } from './ending.ts';

/** A clock of a page that is a little behind, and the rounding of a picked time to minutes. */
const SLACK_MS = 90_000;

function mustRun(server: Server): void {
  if (isReady(server)) return;
  throw new HubError('bad_request', `${logName(server.userName, server.name)} is not running.`);
}

/** Its owner goes on: counts as work now, so that the time until the idle stop begins anew. */
export async function keepWorking(ctx: AppContext, server: Server): Promise<Server> {
  mustRun(server);
  const now = ctx.clock.now();
  await touchServer(ctx.db, server.id, { lastActivity: now, lastWork: now });
  return (await findServerById(ctx.db, server.id)) ?? server;
}

/**
 * Keeps it from an idle stop until then, ms; null takes that back. A limit and its greatest age still end it.
 * @throws HubError `bad_request` when the time is past or too far ahead; the message names the latest.
 */
export async function keepOn(ctx: AppContext, server: Server, until: number | null): Promise<Server> {
  if (until !== null) {
    mustRun(server);
    const now = ctx.clock.now();
    if (ctx.config.idle.keepOnMax === 0) throw new HubError('bad_request', 'Keeping a server on is not allowed here.');
    if (until <= now) throw new HubError('bad_request', 'That time is past.');
    const latest = latestKeepOn(ctx, server, now);
    if (until > latest + SLACK_MS) {
      throw new HubError('bad_request', `The latest time you can choose is ${new Date(latest).toISOString()} (UTC).`);
    }
    until = Math.min(until, latest);
  }
  await setKeepOn(ctx, server, until);
  const of = { kind: 'server', name: logName(server.userName, server.name), owner: server.userName };
  await audit(ctx, { action: 'server.keep-on', of, detail: { until } });
  ctx.log.info({ server: server.id, user: server.userName, until }, 'kept on at the wish of its owner');
  return (await findServerById(ctx.db, server.id)) ?? server;
}
