import type { Address, Json, Observed } from '@atrium/sdk';
import { sql, type Updateable } from 'kysely';
import { fromJson } from '../../db/json.ts';
import { prepared } from '../../db/prepared.ts';
import type { Db, Phase, ServersTable } from '../../db/types.ts';
import { type Server, toServer } from '../server.ts';
import { findServerRow } from '../servers.repo.ts';

/** A server as the controller needs it: with what was committed before the first outside call. */
export interface Work extends Server {
  spec: Json;
  /** Null before the first start was admitted. */
  ref: Json;
  attempt: Json | undefined;
}

/** Who may write a row: this hub, about this generation. A save that meets another holder changes nothing. */
export interface Fence {
  id: string;
  generation: number;
  owner: string;
}

export async function findWork(db: Db, id: string): Promise<Work | undefined> {
  const row = await findServerRow(db, id);
  if (!row) return undefined;
  return {
    ...toServer(row),
    spec: fromJson<Json>(row.spec),
    ref: fromJson<Json>(row.ref),
    attempt: row.attempt === null ? undefined : (fromJson<Json>(row.attempt) ?? undefined),
  };
}

/** Rows the controller has to act on: between two phases, or wanted otherwise. Queued ones are admitted, not claimed. */
export async function listDue(db: Db, now: number, owner: string): Promise<string[]> {
  const rows = await db
    .selectFrom('servers')
    .select('id')
    .where(({ or, and, eb }) =>
      or([
        eb('phase', 'in', ['starting', 'stopping']),
        and([eb('phase', '=', 'ready'), eb('desired', '=', 'stopped')]),
      ]),
    )
    .where(({ or, eb }) =>
      or([eb('lease_owner', 'is', null), eb('lease_owner', '=', owner), eb('lease_until', '<', now)]),
    )
    .execute();
  return rows.map((row) => row.id);
}

interface Lease {
  id: string;
  owner: string;
  until: number;
}

const updateLease = prepared((db, { id, owner, until }: Lease) =>
  db
    .updateTable('servers')
    .set({ lease_owner: owner, lease_until: until })
    .where('id', '=', id)
    .where('phase', 'in', sql<Phase>`('starting', 'ready', 'stopping')`)
    .where(({ or, eb }) => or([eb('lease_owner', 'is', null), eb('lease_owner', '=', owner)])),
);

const updateEndedLease = prepared((db, { id, owner, until, now }: Lease & { now: number }) =>
  db
    .updateTable('servers')
    .set({ lease_owner: owner, lease_until: until })
    .where('id', '=', id)
    .where('phase', 'in', sql<Phase>`('starting', 'ready', 'stopping')`)
    .where('lease_until', '<', now),
);

/**
 * Whether this hub now holds the row; `taken over` when another held it until its lease ended. Each is one statement: of
 * two hubs, one gets it.
 */
export async function takeLease(
  db: Db,
  id: string,
  owner: string,
  now: number,
  until: number,
): Promise<'free' | 'taken over' | false> {
  if ((await updateLease(db, { id, owner, until })).numAffectedRows === 1n) return 'free';
  const { numAffectedRows } = await updateEndedLease(db, { id, owner, until, now });
  return numAffectedRows === 1n && 'taken over';
}

export async function renewLeases(db: Db, ids: readonly string[], owner: string, until: number): Promise<void> {
  if (ids.length === 0) return;
  await db
    .updateTable('servers')
    .set({ lease_until: until })
    .where('id', 'in', ids)
    .where('lease_owner', '=', owner)
    .execute();
}

/**
 * On SQLite there is one hub (the file's lock says so): whatever lease is in the rows belongs to a dead one.
 * @returns how many there were
 */
export async function dropForeignLeases(db: Db, owner: string): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('servers')
    .set({ lease_owner: null, lease_until: 0 })
    .where('lease_owner', 'is not', null)
    .where('lease_owner', '<>', owner)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

type Admitted = { now: number; leaseUntil: number; stopAfter: number | null; maxAge: number | null };

const updateAdmitted = prepared((db, step: Fence & Admitted & { spec: string; ref: string }) =>
  db
    .updateTable('servers')
    .set({
      phase: 'starting',
      phase_at: step.now,
      queued_at: null,
      spec: step.spec,
      ref: step.ref,
      kind_stop_after: step.stopAfter,
      kind_max_age: step.maxAge,
      lease_owner: step.owner,
      lease_until: step.leaseUntil,
    })
    .where('id', '=', step.id)
    .where('generation', '=', step.generation)
    .where('phase', '=', sql.lit('queued'))
    .where('desired', '=', sql.lit('running')),
);

/** Queued → starting, with spec and ref committed before the first outside call. False when it was cancelled meanwhile. */
export async function admit(db: Db, fence: Fence, step: Admitted & { spec: Json; ref: Json }): Promise<boolean> {
  const json = { spec: JSON.stringify(step.spec), ref: JSON.stringify(step.ref) };
  return (await updateAdmitted(db, { ...fence, ...step, ...json })).numAffectedRows === 1n;
}

/** The row as `admit` leaves it, to spare reading it: the first hub sees of spec and ref what one that takes over would. */
export function admitted(work: Work, step: Parameters<typeof admit>[2]): Work {
  return {
    ...work,
    phase: 'starting',
    phaseAt: step.now,
    queuedAt: null,
    spec: asStored(step.spec),
    ref: asStored(step.ref),
    kindStopAfter: step.stopAfter,
    kindMaxAge: step.maxAge,
  };
}

const asStored = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

const updateNothing = prepared((db, { id, generation, owner }: Fence) =>
  db
    .updateTable('servers')
    // An update of nothing is a syntax error: the owner stays what it is checked to be.
    .set({ lease_owner: owner })
    .where('id', '=', id)
    .where('generation', '=', generation)
    .where('lease_owner', '=', owner),
);

/** Holds the row for what is written beside it, such as events. False as of `saveStep`. */
export async function holdStep(db: Db, fence: Fence): Promise<boolean> {
  return (await updateNothing(db, fence)).numAffectedRows === 1n;
}

const updateAttempt = prepared((db, { id, generation, owner, attempt }: Fence & { attempt: string }) =>
  db
    .updateTable('servers')
    .set({ attempt })
    .where('id', '=', id)
    .where('generation', '=', generation)
    .where('lease_owner', '=', owner),
);

/** Writes what the spawner is about to try. False as of `saveStep`. */
export async function saveAttempt(db: Db, fence: Fence, attempt: Json): Promise<boolean> {
  return (await updateAttempt(db, { ...fence, attempt: JSON.stringify(attempt) })).numAffectedRows === 1n;
}

/** Writes a step's outcome. False when the row is no longer ours or of another generation: then stop acting. */
export async function saveStep(db: Db, fence: Fence, values: Updateable<ServersTable>): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('servers')
    .set(values)
    .where('id', '=', fence.id)
    .where('generation', '=', fence.generation)
    .where('lease_owner', '=', fence.owner)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

const updateReady = prepared((db, step: Fence & { now: number; address: string; observed: string }) =>
  db
    .updateTable('servers')
    .set({
      phase: 'ready',
      phase_at: step.now,
      started_at: step.now,
      last_activity: step.now,
      last_work: step.now,
      address: step.address,
      observed: step.observed,
      observed_at: step.now,
      failure: null,
      failures: 0,
      lease_owner: null,
      lease_until: 0,
    })
    .where('id', '=', step.id)
    .where('generation', '=', step.generation)
    .where('lease_owner', '=', step.owner)
    .where('desired', '=', sql.lit('running')),
);

/** Starting → ready, unless a stop was asked for meanwhile: stop always wins (architecture §3). */
export async function saveReady(
  db: Db,
  fence: Fence,
  { now, address, observed }: { now: number; address: Address; observed: Omit<Observed, 'progress'> },
): Promise<boolean> {
  const json = { address: JSON.stringify(address), observed: JSON.stringify(observed) };
  return (await updateReady(db, { ...fence, now, ...json })).numAffectedRows === 1n;
}
