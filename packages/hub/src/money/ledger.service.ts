import type { Json, Meter } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { pluginIo } from '../plugins/plugin-io.ts';
import { findServerById, listActiveServers, type Server, specOf } from '../servers/servers.service.ts';
import { findUser, findUserById } from '../users/users.service.ts';
import { closeEntries, closeUnseen, type Entry, listEntries, listOpenRuns, putEntry, runKeys } from './ledger.repo.ts';
import type { Period } from './period.ts';
import { type Total, totalOf } from './sum.ts';

export { type Entry, listEntries } from './ledger.repo.ts';
export { type Total, totalOf } from './sum.ts';

/** What a spawner has to have reported within this time, or it has ended (sdk: "now or since the last hour"). */
const REPORTED_WITHIN_MS = 3_600_000;

/** Dollars to billionths; null stays null. */
export function toNano(dollars: number | null): number | null {
  return dollars === null ? null : Math.round(dollars * 1e9);
}

type Owner = Pick<Entry, 'serverId' | 'serverName' | 'userName' | 'groups'>;

/** Writes what a spawner reported, one row per key; the person's groups are those of the first report. */
export async function recordMeters(ctx: AppContext, meters: Iterable<Meter>): Promise<void> {
  const now = ctx.clock.now();
  const owners = new Map<string, Promise<Owner>>();
  for (const meter of meters) {
    const { serverId, user } = meter;
    const who = JSON.stringify([serverId, user]);
    const owner = owners.get(who) ?? ownerOf(ctx, serverId, user);
    owners.set(who, owner);
    const { key, kind, what, since, until, minimumMs } = meter;
    await putEntry(
      ctx.db,
      {
        ...(await owner),
        key,
        source: 'plugin',
        kind,
        what,
        nanoPerHour: toNano(meter.perHour),
        since: Math.round(since),
        until: until === undefined ? null : Math.round(until),
        minimumMs: Math.round(minimumMs ?? 0),
      },
      now,
    );
  }
}

async function ownerOf(ctx: AppContext, serverId: string | undefined, name: string | undefined): Promise<Owner> {
  const server = serverId === undefined ? undefined : await findServerById(ctx.db, serverId);
  const userName = name ?? server?.userName ?? null;
  const user = userName === null ? undefined : await findUser(ctx.db, userName);
  return {
    serverId: serverId ?? null,
    serverName: server?.name ?? null,
    userName,
    groups: user ? user.groups : [],
  };
}

/**
 * One look of the spawner at everything that costs. Rows that it no longer names are ended where they were last seen.
 */
export async function readMeters(ctx: AppContext, signal: AbortSignal): Promise<void> {
  if (!ctx.spawner.meters) return;
  let batch: Meter[] = [];
  for await (const meter of ctx.spawner.meters(pluginIo(ctx, signal))) {
    signal.throwIfAborted();
    batch.push(meter);
    if (batch.length < 100) continue;
    await recordMeters(ctx, batch);
    batch = [];
  }
  await recordMeters(ctx, batch);
  // Only after a look that came to its end: half a list says nothing about the rest.
  await closeUnseen(ctx.db, ctx.clock.now() - REPORTED_WITHIN_MS);
}

/** A start became ready: its hours begin, and its money where the spawner has a price but no meters of its own. */
export async function openRun(
  ctx: AppContext,
  db: AppContext['db'],
  server: Pick<Server, 'id' | 'generation' | 'name' | 'userId' | 'userName'>,
  spec: Json,
  at: number,
): Promise<void> {
  const user = await findUserById(db, server.userId);
  const entry = {
    source: 'hub' as const,
    serverId: server.id,
    serverName: server.name,
    userName: server.userName,
    groups: user ? user.groups : [],
    since: at,
    until: null,
    minimumMs: 0,
  };
  const keys = runKeys(server.id, server.generation);
  await putEntry(db, { ...entry, key: keys.run, kind: 'run', what: 'server', nanoPerHour: null }, at);
  if (ctx.spawner.meters || !ctx.spawner.price) return;
  const { perHour } = ctx.spawner.price(spec);
  await putEntry(
    db,
    { ...entry, key: keys.compute, kind: 'compute', what: ctx.spawner.id, nanoPerHour: toNano(perHour) },
    at,
  );
}

/** A start has ended: so do its hours. Whatever the order of hubs and crashes, the first end stays. */
export async function closeRun(db: AppContext['db'], serverId: string, generation: number, at: number): Promise<void> {
  await closeEntries(db, serverId, generation, at);
}

/**
 * Opens and closes what transitions did not: servers that ran before there was a ledger, rows of servers that are gone.
 */
export async function mendRuns(ctx: AppContext): Promise<void> {
  const now = ctx.clock.now();
  // Rows first: a server that starts between the two reads has its own row by then.
  const open = await listOpenRuns(ctx.db);
  const active = new Map((await listActiveServers(ctx.db)).map((server) => [server.id, server]));
  for (const { serverId, key } of open) {
    const server = serverId === null ? undefined : active.get(serverId);
    const generation = Number(key.slice(key.lastIndexOf('.') + 1));
    if (serverId === null || (server?.generation === generation && server.startedAt !== null)) continue;
    const row = await findServerById(ctx.db, serverId);
    // Where it can be told: when the row came to rest; a row that is gone only says that it is.
    const ended = row && row.generation === generation && row.phase === 'stopped' ? row.phaseAt : now;
    await closeRun(ctx.db, serverId, generation, ended);
  }
  const known = new Set(open.map(({ key }) => key));
  for (const server of active.values()) {
    if (server.startedAt === null || known.has(runKeys(server.id, server.generation).run)) continue;
    await openRun(ctx, ctx.db, server, await specOf(ctx.db, server.id), server.startedAt);
  }
}

/** What one person used in a period. */
export async function usageOf(ctx: AppContext, userName: string, period: Period): Promise<Total> {
  return totalOf(await listEntries(ctx.db, period, userName), period, ctx.clock.now());
}
