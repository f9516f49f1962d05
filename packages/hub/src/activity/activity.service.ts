import type { ActivityReport } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { findServerById, type Server, touchServer } from '../servers/servers.service.ts';
import { touchUser } from '../users/users.service.ts';

/** A clock that is a little ahead must not make somebody active tomorrow. */
const MAX_AHEAD_MS = 60_000;

/** What the proxy saw (sdk ActivityReport): stored, values only move forward. Unknown servers are passed over. */
export async function recordReport(ctx: AppContext, report: ActivityReport): Promise<void> {
  const latest = ctx.clock.now() + MAX_AHEAD_MS;
  for (const [id, seen] of Object.entries(report.servers)) {
    const server = await findServerById(ctx.db, id);
    if (!server) continue;
    const lastActivity = Math.min(seen.lastActivity, latest);
    await touchServer(ctx.db, id, {
      ...(lastActivity > 0 && { lastActivity }),
      ...(seen.lastWork > 0 && { lastWork: Math.min(seen.lastWork, latest) }),
    });
    if (lastActivity > 0) await touchUser(ctx.db, server.userId, lastActivity);
  }
}

/**
 * What a server itself reported (contract §3.7 activity). Not work: an open tab's polling keeps it fresh, so the idle
 * decision asks the server instead.
 */
export async function recordServerActivity(ctx: AppContext, server: Server, at: number): Promise<void> {
  await touchServer(ctx.db, server.id, { lastActivity: at });
}
