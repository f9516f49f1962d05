import type { MaintainServer } from '@atrium/sdk';
import type { Ec2Snapshot } from '../calls/types.ts';
import { archiveStep, emptyTrash } from '../homes/archive.ts';
import { changeHome, type HomeRow, readHome } from '../homes/home-row.ts';
import { clearRestore } from '../homes/restore.ts';
import { driveSnapshot, wantSnapshot } from '../homes/snapshots.ts';
import { eachOf, type Round, span } from './round.ts';

const DAY_MS = 86_400_000;
/** A snapshot younger than this is as good as a new one. */
const SNAPSHOT_EVERY_MS = DAY_MS;
/** Of one round: a class that goes home is copied over some minutes, within EC2's limits. */
const MOST_SNAPSHOTS = 100;
const MOST_ARCHIVED = 10;
/** A machine that runs is to write what it holds back first; it is asked at its next heartbeat. */
const FLUSH_MS = 2 * 60_000;
const TOGETHER = 10;
/** Values of one filter. */
const AT_ONCE = 200;

/** Whose homes are in use, and until when they were. */
interface Use {
  owners: readonly MaintainServer[];
  /** One of its servers is on, or its machine is not stopped yet. */
  busy: boolean;
  /** Somebody has mounted it. */
  mounted: boolean;
  /** Last use: the end of the last session. */
  until: number;
}

/** Copies after use, tiers, and what is left of earlier steps. */
export async function homes(round: Round): Promise<void> {
  const uses = usesOf(round);
  const seen = await snapshotsUnderWay(round);
  const left = { snapshots: MOST_SNAPSHOTS, archived: MOST_ARCHIVED };
  await eachOf(round.homes, TOGETHER, async (row) => {
    const use = uses.get(row.storage) ?? { owners: [], busy: false, mounted: false, until: 0 };
    await tidy(round, row);
    if (row.tier !== 'disk' || row.making || row.volumeId === null) return;
    if (use.until > row.usedAt && !round.io.dryRun)
      await changeHome(round.io.store, row.storage, (now) =>
        now.usedAt < use.until ? { ...now, usedAt: use.until } : undefined,
      );
    if (row.taking && row.taking.why !== 'archive') await goOn(round, row, use, seen);
    else if (mayArchive(round, row, use)) {
      left.archived -= 1;
      if (left.archived >= 0) await archive(round, row, use);
    } else if (isDue(round, row, use)) {
      left.snapshots -= 1;
      if (left.snapshots >= 0) await snapshot(round, row);
    }
  });
}

function usesOf(round: Round): Map<string, Use> {
  const { servers, records, active } = round;
  const running = new Set(active.map(({ id }) => id));
  const byStorage = Map.groupBy(
    [...servers.values()].filter(({ storage }) => storage !== undefined),
    ({ storage }) => storage ?? '',
  );
  const uses = new Map<string, Use>();
  for (const [storage, owners] of byStorage) {
    const own = owners.map((owner) => records.get(owner.id));
    const used = owners.filter((owner) => (records.get(owner.id)?.startedAt ?? 0) > 0);
    uses.set(storage, {
      owners,
      busy:
        owners.some(({ phase }) => phase !== 'stopped') ||
        own.some((record) => record?.instanceId && running.has(record.instanceId)),
      mounted: used.length > 0,
      until: Math.max(0, ...used.map(({ phase, phaseAt }) => (phase === 'stopped' ? phaseAt : round.now))),
    });
  }
  return uses;
}

const nameOf = (row: HomeRow): string => `The home of ${row.user || row.storage}`;

/** What EC2 says of the snapshots that are being taken: one call for all. */
async function snapshotsUnderWay({ homes: rows, world, io, now }: Round): Promise<Map<string, Ec2Snapshot>> {
  const ids = rows.flatMap(({ taking }) => (taking?.id && now - taking.at > 30_000 ? [taking.id] : []));
  const found: Ec2Snapshot[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const filters = { 'snapshot-id': ids.slice(at, at + AT_ONCE) };
    found.push(...(await world.ec2.describeSnapshots({ filters }, { signal: io.signal })));
  }
  return new Map(found.map((one) => [one.id, one]));
}

/** Volumes that were given up, and copies that have arrived. */
async function tidy(round: Round, row: HomeRow): Promise<void> {
  const { world, io } = round;
  // A home that was deleted on purpose: still only where that is allowed.
  const allowed = row.tier !== 'none' || world.config.homes.deleteAllowed;
  if (row.trash.length > 0 && allowed)
    await round.act(
      {
        code: 'empty_trash',
        message: `${row.trash.join(', ')}, given up by ${row.user || row.storage}, ${round.is('deleted')}.`,
      },
      () => emptyTrash(world, row, io.signal),
    );
  for (const restore of row.restores.filter(({ done }) => done)) {
    await round.act(
      {
        code: 'clear_restore',
        message: `${nameOf(row)}: the disk that brought ${restore.into} ${round.is('deleted')}.`,
      },
      () => clearRestore(world, row.storage, restore, io.signal),
    );
  }
}

/** A snapshot on its way: one that a cut-off hub wanted, or that a machine did not get to ask for. */
async function goOn(round: Round, row: HomeRow, use: Use, seen: ReadonlyMap<string, Ec2Snapshot>): Promise<void> {
  const { taking } = row;
  const { world, io, now } = round;
  if (!taking || io.dryRun) return;
  const { id } = taking;
  if (id !== null && !seen.has(id) && now - taking.at < 10 * 60_000) return;
  if (id === null && taking.why === 'asked' && use.busy && now - taking.at < FLUSH_MS) return;
  await round.attempt({ code: 'snapshot_home', message: `${nameOf(row)} is to be copied.` }, async () => {
    const current = await readHome(io.store, row.storage);
    if (current?.taking?.key !== taking.key) return;
    await driveSnapshot(world, current, { seen: id === null ? undefined : seen.get(id), signal: io.signal });
  });
}

/** Used since its last copy, and that one is not of today. */
function isDue({ world, now }: Round, row: HomeRow, { busy, mounted, until }: Use): boolean {
  const { daily, weekly } = world.config.homes.snapshots;
  if (daily + weekly === 0 || busy || !mounted || row.fresh) return false;
  return row.snapshotAt === null || (until > row.snapshotAt && now - row.snapshotAt >= SNAPSHOT_EVERY_MS);
}

async function snapshot(round: Round, row: HomeRow): Promise<void> {
  const { world, io } = round;
  await round.act(
    { code: 'snapshot_home', message: `${nameOf(row)} ${round.is('copied')} to a snapshot.` },
    async () => {
      const wanted = await wantSnapshot(world, row.storage, 'stop');
      if (wanted?.taking) await driveSnapshot(world, wanted, { signal: io.signal });
    },
  );
}

function mayArchive({ world, now }: Round, row: HomeRow, { owners, busy, until }: Use): boolean {
  const { archiveAfterDays } = world.config.homes.tiers;
  // A home without an owner is kept as it is: nobody would know to bring it back.
  if (archiveAfterDays === null || owners.length === 0 || busy) return false;
  return now - Math.max(row.usedAt, until) >= archiveAfterDays * DAY_MS;
}

async function archive(round: Round, row: HomeRow, { until }: Use): Promise<void> {
  const { world, io } = round;
  const unused = `unused for ${span(round.now - Math.max(row.usedAt, until))}`;
  const begun = { code: 'archive_home', message: `${nameOf(row)}, ${unused}, ${round.is('archived')} to a snapshot.` };
  if (io.dryRun) {
    round.actions.push(begun);
    return;
  }
  const state = await round.attempt(begun, () => archiveStep(world, row.storage, io.signal));
  if (state === 'begun')
    round.actions.push({ code: 'archive_home', message: `${nameOf(row)}, ${unused}, is being copied to a snapshot.` });
  if (state === 'archived')
    round.actions.push({ code: 'home_archived', message: `${nameOf(row)} is a snapshot now; its volume was deleted.` });
}
