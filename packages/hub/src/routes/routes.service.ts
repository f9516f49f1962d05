import type { RouteMessage } from '@atrium/sdk';
import { barChanges, currentBars } from '../access/bars.service.ts';
import type { AppContext } from '../context.ts';
import { forgetTombstones, readRouteChanges, readRoutes, routeVersion } from './routes.repo.ts';

export {
  deleteRoutesOf,
  listRouteRows,
  putRoute,
  type RouteRow,
  routeVersion,
  settleServiceRoute,
} from './routes.repo.ts';

/** Removals are remembered over this many versions; a stream from before gets a snapshot. */
const MEMORY = 5_000;
const PING_MS = 5_000;

/** At start: keeps the table from growing with removals that nobody can ask for any more. */
export async function pruneRoutes(ctx: AppContext): Promise<void> {
  await forgetTombstones(ctx.db, (await routeVersion(ctx.db)) - MEMORY);
}

/** The route stream (sdk routes.ts) from `since`, until the signal. Ends with the error when the database is gone. */
export async function* routeMessages(
  ctx: AppContext,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<RouteMessage> {
  let changed = true;
  let wake = () => {};
  const stopListening = ctx.wakeups.on('routes', () => {
    changed = true;
    wake();
  });
  const book = ctx.certificates;
  const stopHearing = book?.onChange(() => {
    changed = true;
    wake();
  });
  // One timer for as long as the stream lives: one per change would outlive it by seconds, thousands in a busy minute.
  const pulse = async () => {
    while (!signal.aborted) {
      await ctx.clock.sleep(PING_MS, signal).catch(() => {});
      wake();
    }
  };
  try {
    let version = await routeVersion(ctx.db);
    // Counted apart: what is read one after the other is not of one moment, and neither may be left out.
    let barVersion = version;
    const bars = await currentBars(ctx.db, ctx.clock.now());
    void pulse();
    let toldTls: number | undefined;
    /** What is new of certificates. */
    const newTls = () => {
      if (!book || book.version === toldTls) return undefined;
      toldTls = book.version;
      return { tls: book.fetched };
    };
    const firstTls = newTls();
    if (since > 0 && since <= version && since > version - MEMORY) {
      version = since;
      // Also when there are none: whoever was let in again while the stream was down must not stay barred.
      yield { type: 'change', version, set: [], delete: [], bars, allBars: true, ...firstTls };
    } else {
      const began = performance.now();
      const routes = await readRoutes(ctx.db);
      ctx.metrics.proxyPolls.observe({}, (performance.now() - began) / 1000);
      yield { type: 'snapshot', version, routes, bars, allBars: true, ...firstTls };
    }
    while (!signal.aborted) {
      changed = false;
      const began = performance.now();
      const tls = newTls();
      const changes = await readRouteChanges(ctx.db, version);
      ctx.metrics.routeChecks.observe({}, (performance.now() - began) / 1000);
      // Of the same count: whatever came before the certificate's version was read just now, or earlier.
      version = Math.max(changes.version, toldTls ?? 0);
      const barred = await barChanges(ctx.db, barVersion);
      barVersion = barred.version;
      const count = changes.set.length + changes.delete.length + barred.bars.length;
      if (count > 0 || tls) {
        yield { type: 'change', ...changes, version, ...(barred.bars.length > 0 && { bars: barred.bars }), ...tls };
      } else {
        ctx.appliedRoutes.announce();
        yield { type: 'ping', version };
      }
      if (changed) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted) resolve();
      });
    }
  } finally {
    stopListening();
    stopHearing?.();
  }
}
