import type { MaintainAction, MaintainIo } from '@atrium/sdk';
import { Ec2Fault } from '../errors.ts';
import { keepSpares } from '../spares/keep.ts';
import type { Ec2World } from '../world.ts';
import { health } from './health.ts';
import { homes } from './homes.ts';
import { lost } from './lost.ts';
import { orphans } from './orphans.ts';
import { retention } from './retention.ts';
import { openRound, type Round } from './round.ts';
import { stuck } from './stuck.ts';
import { refreshTags } from './tags.ts';
import { unused } from './unused.ts';
import { volumes } from './volumes.ts';

export { type InventoryRow, inventory } from './inventory.ts';

/** In this order: what costs money for nothing first. */
const DUTIES: Readonly<Record<string, (round: Round) => Promise<void>>> = {
  orphans,
  stuck,
  unused,
  lost,
  health,
  spares: keepSpares,
  homes,
  volumes,
  retention,
  refreshTags,
};

/**
 * One round of upkeep: what EC2 has against what the rows say. Each repair may be cut off anywhere and is done again, or
 * found done, in the next round. With `dryRun` nothing is changed, here or there. Nothing that lacks our cluster's id is
 * touched. @throws Ec2Fault when EC2 cannot be asked what there is
 */
export async function maintain(world: Ec2World, io: MaintainIo): Promise<readonly MaintainAction[]> {
  const round = await openRound(world, io);
  let whole = true;
  for (const [name, duty] of Object.entries(DUTIES)) {
    io.signal.throwIfAborted();
    try {
      await duty(round);
    } catch (error) {
      // One duty that EC2 does not answer keeps no other from being done.
      if (!(error instanceof Ec2Fault)) throw error;
      whole = false;
      io.log.warn({ duty: name, api: error.api, code: error.code, err: error }, 'a part of upkeep has to wait');
    }
  }
  if (whole) await round.close();
  return round.actions;
}
