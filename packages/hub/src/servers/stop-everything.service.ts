import type { AppContext } from '../context.ts';
import { listActiveServers, requestStop, type Server, waitForServer } from './servers.service.ts';

/** Longer than a polite stop and a forced one take together. */
const PATIENCE_MS = 30_000;

/** Stops everybody's servers and waits. @returns those that did not stop in time */
export async function stopEverything(
  ctx: AppContext,
  { by, timeoutMs = PATIENCE_MS + ctx.config.start.stopTimeout * 1000 }: { by: string; timeoutMs?: number },
): Promise<{ stopped: number; left: Server[] }> {
  const servers = await listActiveServers(ctx.db);
  const ended = await Promise.all(
    servers.map(async (server) => {
      await requestStop(ctx, server, { code: 'shutdown', by });
      return waitForServer(ctx, server.id, ({ phase }) => phase === 'stopped', timeoutMs);
    }),
  );
  const left = ended.filter((server): server is Server => server !== undefined && server.phase !== 'stopped');
  return { stopped: ended.length - left.length, left };
}
