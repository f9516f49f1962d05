import type { ActivityReport } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { findServerById, type Server, touchServer } from '../servers/servers.service.ts';
import { touchUser } from '../users/users.service.ts';

/** A clock that is a little ahead must not make somebody active tomorrow. */
const MAX_AHEAD_MS = 60_000;
/** Servers per transaction: one commit for many, without keeping others waiting. */
const TOGETHER = 50;

/** What the proxy saw (sdk ActivityReport): stored, values only move forward. Unknown servers are passed over. */
export async function recordReport(ctx: AppContext, report: ActivityReport): Promise<void> {
  const latest = ctx.clock.now() + MAX_AHEAD_MS;
  const seen = Object.entries(report.servers);
  for (let at = 0; at < seen.length; at += TOGETHER) {
    await ctx.db.transaction().execute(async (db) => {
      for (const [id, { lastActivity, lastWork }] of seen.slice(at, at + TOGETHER)) {
        const server = await findServerById(db, id);
        if (!server) continue;
        await touchServer(db, id, {
          lastActivity: Math.min(lastActivity, latest),
          lastWork: Math.min(lastWork, latest),
        });
        await touchUser(db, server.userId, Math.min(lastActivity, latest));
      }
    });
  }
}

/**
 * What a server itself reported (contract §3.7 activity). Not work: an open tab's polling keeps it fresh, so the idle
 * decision asks the server instead.
 */
export async function recordServerActivity(ctx: AppContext, server: Server, at: number): Promise<void> {
  await touchServer(ctx.db, server.id, { lastActivity: at });
}
