import type { Route, RouteTarget } from '@atrium/sdk';
import { takeNumber } from '../db/counters.repo.ts';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

interface RouteValues {
  path: string;
  target: string;
  server_id: string | null;
  service: string | null;
  version: number;
}

const upsert = prepared((db, { path, target, server_id, service, version }: RouteValues) => {
  const values = { target, server_id, service, version, deleted: 0 };
  return db
    .insertInto('routes')
    .values({ path, ...values })
    .onConflict((conflict) => conflict.column('path').doUpdateSet(values));
});

/**
 * Adds or replaces, in the caller's transaction, so that a route and what it belongs to change together.
 * @returns the version of the table with it
 */
export async function putRoute(db: Db, route: Route, service: string | null = null): Promise<number> {
  const version = (await takeNumber(db, 'route_version')) + 1;
  const { path, target, serverId = null } = route;
  await upsert(db, { path, target: JSON.stringify(target), server_id: serverId, service, version });
  return version;
}

/** The route of a service is exactly this, or none. True when that changed anything. */
export async function settleServiceRoute(
  db: Db,
  service: string,
  route: { path: string; target: RouteTarget } | undefined,
): Promise<boolean> {
  const before = await db
    .selectFrom('routes')
    .select(['path', 'target'])
    .where('service', '=', service)
    .where('deleted', '=', 0)
    .execute();
  const target = JSON.stringify(route?.target);
  if (before.length === (route ? 1 : 0) && before.every((row) => row.path === route?.path && row.target === target))
    return false;
  if (before.length > 0) {
    const version = (await takeNumber(db, 'route_version')) + 1;
    await db.updateTable('routes').set({ version, deleted: 1 }).where('service', '=', service).execute();
  }
  if (route) await putRoute(db, route, service);
  return true;
}

export interface RouteRow {
  path: string;
  target: RouteTarget;
  /** Whose server it leads to. */
  server: { user: string; name: string } | undefined;
  service: string | undefined;
}

/** Every route with what is behind it, by path. */
export async function listRouteRows(db: Db): Promise<RouteRow[]> {
  const rows = await db
    .selectFrom('routes as r')
    .leftJoin('servers as s', 's.id', 'r.server_id')
    .leftJoin('users as u', 'u.id', 's.user_id')
    .select(['r.path', 'r.target', 'r.service', 's.name as server_name', 'u.name as user_name'])
    .where('r.deleted', '=', 0)
    .orderBy('r.path')
    .execute();
  return rows.map((row) => ({
    path: row.path,
    target: JSON.parse(row.target) as RouteTarget,
    server: row.user_name === null ? undefined : { user: row.user_name, name: row.server_name ?? '' },
    service: row.service ?? undefined,
  }));
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
