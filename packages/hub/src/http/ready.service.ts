import type { AppContext } from '../context.ts';
import { schemaState } from '../db/migrate.ts';

/** Why this hub should not be sent anybody now. `code` is stable: alerts and load balancers may look at it. */
export interface NotReady {
  code: 'database' | 'migrations' | 'proxy' | 'controller';
  message: string;
}

/** A database that takes longer than this to say which schema it has is as good as gone, ms. */
const DATABASE_MS = 2_000;
/** A controller that is so late is stuck, not busy, ms. */
const STALLED_MS = 15_000;

/** What keeps this hub from doing all of its work; empty when it is ready. Asks, changes nothing. */
export async function notReady(ctx: AppContext): Promise<NotReady[]> {
  const reasons: NotReady[] = [...(await databaseReasons(ctx))];
  if (ctx.vitals.proxies === 0) {
    reasons.push({ code: 'proxy', message: 'No proxy is connected: nobody hears of servers that start or stop.' });
  }
  const lag = ctx.vitals.controllerLag();
  if (lag === undefined) {
    reasons.push({ code: 'controller', message: 'The controller was not started: servers neither start nor stop.' });
  } else if (lag > STALLED_MS) {
    const seconds = Math.round(lag / 1000);
    reasons.push({ code: 'controller', message: `The controller has not finished a look for ${seconds} seconds.` });
  }
  return reasons;
}

async function databaseReasons(ctx: AppContext): Promise<NotReady[]> {
  const late = new AbortController();
  try {
    const asked = schemaState(ctx.db);
    // It may still fail after we stopped waiting for it.
    asked.catch(() => {});
    const answer = await Promise.race([asked, ctx.clock.sleep(DATABASE_MS, late.signal).then(() => undefined)]);
    if (answer === undefined) return [{ code: 'database', message: 'The database does not answer.' }];
    if (answer.have === answer.want) return [];
    const message = `The database has schema ${answer.have}, this program needs ${answer.want}.`;
    return [{ code: 'migrations', message }];
  } catch (err) {
    ctx.log.warn({ err }, 'not ready: the database cannot be asked');
    return [{ code: 'database', message: 'The database cannot be reached or read.' }];
  } finally {
    late.abort();
  }
}
