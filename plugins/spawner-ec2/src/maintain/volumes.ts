import type { Ec2Volume } from '../calls/types.ts';
import { deleteVolume } from '../homes/archive.ts';
import { recoverHome } from '../homes/ensure-home.ts';
import { changeHome, type HomeRow } from '../homes/home-row.ts';
import { lookVolume } from '../homes/look.ts';
import { ourVolumes } from '../survey.ts';
import { TAG, userTag } from '../tags.ts';
import { eachOf, type Round, span } from './round.ts';

const AGE_MS = 5 * 60_000;
/** Longer than a sweep is believed: two sweeps have to miss it. */
const MISSING_MS = 6 * 60_000;
const LEFT_MS = 3_600_000;
const COPY_LEFT_MS = 86_400_000;
/** A start that is under way asks for its home again within seconds. */
const UNFINISHED_MS = 45_000;
const TOGETHER = 50;

/** Disks against rows. A home is never deleted here, whatever it looks like. */
export async function volumes(round: Round): Promise<void> {
  const { world, io } = round;
  // One that was made without its row learning of it is younger than a list that was good enough a moment ago.
  const waits = ({ making, volumeId }: HomeRow) =>
    making !== null && volumeId === null && round.now - making.at > UNFINISHED_MS;
  const age = round.homes.some(waits) ? UNFINISHED_MS : AGE_MS;
  const { found } = await ourVolumes(world, age, { signal: io.signal });
  const rows = new Map(round.homes.map((row) => [userTag(row.storage), row]));
  const named = new Set(
    round.homes.flatMap((row) => [row.volumeId, ...row.trash, ...row.lost, ...row.restores.map((one) => one.volumeId)]),
  );
  const owners = new Map(
    [...round.servers.values()].flatMap((server) =>
      server.storage ? [[userTag(server.storage), server] as const] : [],
    ),
  );
  const unnamed = found.filter(({ id, state }) => !named.has(id) && state !== 'deleting' && state !== 'deleted');
  await eachOf(unnamed, TOGETHER, async (volume) => {
    const storage = volume.tags[TAG.storage] ?? '';
    switch (volume.tags[TAG.role]) {
      case 'home': {
        const row = rows.get(storage);
        const owner = owners.get(storage);
        if (row?.making && row.volumeId === null) await finish(round, volume, row);
        else if (row) await second(round, volume, row.volumeId, row.making !== null);
        else if (owner) await recover(round, volume, owner.storage ?? storage, owner.user);
        else
          await round.tell(
            {
              code: 'home_without_owner',
              message: `${volume.id} (${whose(volume)}, ${volume.sizeGb} GB) is a home of nobody here. It is kept.`,
            },
            volume.id,
          );
        return;
      }
      case 'restored':
        return leftCopy(round, volume);
      case 'root':
        if (volume.state === 'available' && round.now - volume.createdAt > LEFT_MS)
          await round.tell(
            {
              code: 'disk_left',
              message: `${volume.id} (${volume.sizeGb} GB) is a system disk without a machine, and costs money.`,
              alert: true,
            },
            volume.id,
          );
    }
  });
  await missing(round, found);
}

const whose = (volume: Ec2Volume): string => volume.tags[TAG.user] ?? 'no name';

async function second(round: Round, volume: Ec2Volume, used: string | null, making: boolean): Promise<void> {
  // The row learns the name of a new one a moment after it was made.
  if (making || (await round.sighted('second', volume.id)) === undefined) return;
  await round.tell(
    {
      code: 'second_home',
      message: `${volume.id} carries the tags of ${whose(volume)}'s home, but ${used ?? 'a snapshot'} is used as that. Both are kept; look which holds the files.`,
      alert: true,
    },
    volume.id,
  );
}

/** It was made, but the answer never came, and the start that wanted it was given up: the row learns its name here. */
async function finish(round: Round, volume: Ec2Volume, { storage, user, making }: HomeRow): Promise<void> {
  const age = await round.sighted('unfinished', volume.id);
  if (!making || age === undefined || age < UNFINISHED_MS) return;
  if ((volume.snapshotId ?? null) !== making.snapshotId) return second(round, volume, null, false);
  const { world } = round;
  await round.act(
    {
      code: 'finish_home',
      message: `${volume.id}, made for a start of ${user} that was given up, ${round.is('noted')} as their home.`,
    },
    () =>
      changeHome(world.store, storage, (now) =>
        now.making?.token === making.token && now.volumeId === null
          ? { ...now, volumeId: volume.id, zone: volume.zone, making: { ...now.making, at: world.clock.now() } }
          : undefined,
      ),
  );
}

async function recover(round: Round, volume: Ec2Volume, storage: string, user: string): Promise<void> {
  const { world, io } = round;
  await round.act(
    {
      code: 'recover_home',
      message: `${volume.id} ${round.is('recognised')} as the home of ${user} by its tags: its row was lost.`,
    },
    () => recoverHome(world, { storage, user, sizeGb: volume.sizeGb }, io.signal),
  );
}

/** A copy of a snapshot that no restore waits for. */
async function leftCopy(round: Round, volume: Ec2Volume): Promise<void> {
  if (volume.state !== 'available' || round.now - volume.createdAt < COPY_LEFT_MS) return;
  const { world, io } = round;
  // The sweep is some minutes old.
  if (!(await lookVolume(world, volume.id, io.signal))) return;
  await round.act(
    {
      code: 'delete_copy',
      message: `${volume.id}, a copy of a snapshot that nobody waits for, ${round.is('deleted')}.`,
    },
    () => deleteVolume(world, volume.id, io.signal),
  );
}

/** Somebody has deleted a home outside: its owner gets the newest copy at the next start; until then it is told. */
async function missing(round: Round, found: readonly Ec2Volume[]): Promise<void> {
  const there = new Set(found.map(({ id }) => id));
  for (const row of round.homes) {
    if (row.tier !== 'disk' || row.making || row.volumeId === null || there.has(row.volumeId)) continue;
    const age = await round.sighted('missing', row.volumeId);
    if (age === undefined || age < MISSING_MS) continue;
    const next = row.snapshotId
      ? `The next start brings back the copy ${row.snapshotId} of ${span(round.now - (row.snapshotAt ?? round.now))} ago.`
      : 'There is no copy of it.';
    await round.tell(
      {
        code: 'home_missing',
        message: `${row.volumeId}, the home of ${row.user || row.storage}, does not exist any more. ${next}`,
        alert: true,
      },
      row.volumeId,
    );
  }
}
