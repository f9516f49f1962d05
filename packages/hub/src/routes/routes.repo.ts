import type { Route, RouteTarget } from '@atrium/sdk';
import { takeNumber } from '../db/counters.repo.ts';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

interface RouteValues {
  path: string;
  target: string;
  server_id: string | null;
  version: number;
}

const upsert = prepared((db, { path, target, server_id, version }: RouteValues) => {
  const values = { target, server_id, version, deleted: 0 };
  return db
    .insertInto('routes')
    .values({ path, ...values })
    .onConflict((conflict) => conflict.column('path').doUpdateSet(values));
});

/** Adds or replaces. In the caller's transaction, so that a route and the phase it belongs to change together. */
export async function putRoute(db: Db, route: Route): Promise<void> {
  const version = (await takeNumber(db, 'route_version')) + 1;
  const { path, target, serverId = null } = route;
  await upsert(db, { path, target: JSON.stringify(target), server_id: serverId, version });
}

/** Removes every route of a server; leaves tombstones, so that a stream that was away learns of it. */
export async function deleteRoutesOf(db: Db, serverId: string): Promise<void> {
  const routed = await db
    .selectFrom('routes')
    .select('path')
    .where('server_id', '=', serverId)
    .where('deleted', '=', 0)
    .execute();
  if (routed.length === 0) return;
  const version = (await takeNumber(db, 'route_version')) + 1;
  await db.updateTable('routes').set({ version, deleted: 1 }).where('server_id', '=', serverId).execute();
}

export async function routeVersion(db: Db): Promise<number> {
  const row = await db
    .selectFrom('counters')
    .select('value')
    .where('name', '=', 'route_version')
    .executeTakeFirstOrThrow();
  return Number(row.value);
}

export async function readRoutes(db: Db): Promise<Route[]> {
  return (await db.selectFrom('routes').selectAll().where('deleted', '=', 0).execute()).map(toRoute);
}

const selectAfter = prepared((db, { version }: { version: number }) =>
  db.selectFrom('routes').selectAll().where('version', '>', version).orderBy('version'),
);

/** What changed after `version`, oldest first. */
export async function readRouteChanges(
  db: Db,
  version: number,
): Promise<{ set: Route[]; delete: string[]; version: number }> {
  const { rows } = await selectAfter(db, { version });
  return {
    set: rows.filter((row) => row.deleted === 0).map(toRoute),
    delete: rows.filter((row) => row.deleted === 1).map((row) => row.path),
    version: rows.at(-1)?.version ?? version,
  };
}

/** Forgets removals so old that a stream starting from before them gets a snapshot anyway. */
export async function forgetTombstones(db: Db, upTo: number): Promise<void> {
  await db.deleteFrom('routes').where('deleted', '=', 1).where('version', '<=', upTo).execute();
}

function toRoute(row: { path: string; target: string; server_id: string | null }): Route {
  return {
    path: row.path,
    target: JSON.parse(row.target) as RouteTarget,
    ...(row.server_id !== null && { serverId: row.server_id }),
  };
}
