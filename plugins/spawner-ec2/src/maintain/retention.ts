import type { Json } from '@atrium/sdk';
import { Ec2Fault } from '../errors.ts';
import { ours } from '../homes/look.ts';
import { superfluous } from '../homes/retention.ts';
import { TAG, userTag } from '../tags.ts';
import { eachOf, type Round } from './round.ts';

/** All copies of all homes are many pages: they are looked through four times a day. Key: when that was. */
const EVERY_MS = 6 * 3_600_000;
const LOOKED = 'upkeep/snapshots';
const TOGETHER = 5;

/** Of each home so many daily and weekly copies are kept; what a row names is kept in any case. */
export async function retention(round: Round): Promise<void> {
  const { world, io, now } = round;
  const looked = (await io.store.get(LOOKED)) as { at: number } | undefined;
  if (looked && now - looked.at < EVERY_MS && !io.dryRun) return;
  const all = await world.ec2.describeSnapshots({ filters: ours(world, 'snapshot') }, { signal: io.signal });
  const byHome = Map.groupBy(
    all.filter(({ state }) => state === 'completed'),
    ({ tags }) => tags[TAG.storage] ?? '',
  );
  const gone: string[] = [];
  for (const row of round.homes) {
    const copies = byHome.get(userTag(row.storage)) ?? [];
    const needed = new Set([
      row.snapshotId,
      row.making?.snapshotId,
      row.taking?.id,
      ...row.restores.map((one) => one.snapshotId),
    ]);
    // Of a home that was deleted on purpose a copy may be left where the deletion was cut off.
    const extra =
      row.tier === 'none'
        ? copies.filter(() => world.config.homes.deleteAllowed)
        : superfluous(
            copies.map(({ id, startedAt }) => ({ id, at: startedAt })),
            world.config.homes.snapshots,
          );
    gone.push(...extra.map(({ id }) => id).filter((id) => !needed.has(id)));
  }
  const { daily, weekly } = world.config.homes.snapshots;
  if (gone.length > 0) {
    const many = gone.length === 1 ? '1 copy of a home' : `${gone.length} copies of homes`;
    const beyond = `beyond ${daily} daily and ${weekly} weekly ones`;
    await round.act({ code: 'expire_snapshots', message: `${many} ${beyond} ${round.is('deleted')}.` }, () =>
      eachOf(gone, TOGETHER, async (id) => {
        await world.ec2.deleteSnapshot(id, { signal: io.signal }).catch((error: unknown) => {
          // Gone already, or in use for a moment.
          if (!(error instanceof Ec2Fault && error.retryable)) throw error;
        });
      }),
    );
  }
  if (!io.dryRun) await io.store.put(LOOKED, { at: now } as Json);
}
