import { expect, test } from 'vitest';
import { putBars } from '../access/bars.repo.ts';
import { apiHub } from '../api/test-hub.ts';
import type { TestHub } from '../testing/index.ts';
import { routeMessages, routeVersion } from './routes.service.ts';

/** The first line of a stream, as a proxy gets it that knows everything up to `since`. */
async function firstLine(hub: TestHub, since: number) {
  const gone = new AbortController();
  for await (const message of routeMessages(hub.ctx, since, gone.signal)) {
    gone.abort();
    return message;
  }
  return undefined;
}

test('the first line of every stream has all bars that count and says so, also when there are none', async () => {
  await using hub = await apiHub({ controller: false });
  const { db, clock } = hub.ctx;
  const now = clock.now();
  const until = now + 60_000;
  await putBars(db, 'ada', ['lifted'], { until, now });
  await putBars(db, 'ada', ['lifted'], { until: 0, now });
  const since = await routeVersion(db);
  expect(since).toBeGreaterThan(0);

  expect(await firstLine(hub, 0)).toMatchObject({ type: 'snapshot', bars: [], allBars: true });
  expect(await firstLine(hub, since)).toMatchObject({ type: 'change', bars: [], allBars: true });

  await putBars(db, 'ada', ['counts'], { until, now });
  const bars = [{ serverId: 'ada', token: 'counts', until }];
  expect(await firstLine(hub, 0)).toMatchObject({ type: 'snapshot', bars, allBars: true });
  // Versions count up with bars too; the routes are those of `since`.
  const line = { type: 'change', version: since, set: [], delete: [], bars, allBars: true };
  expect(await firstLine(hub, since)).toEqual(line);
});
