import type { MaintainAction, MaintainIo } from '@atrium/sdk';
import type { EchoWorld } from './world.ts';

/** Ends what no row wants, and says so. */
export async function maintain(io: MaintainIo, world: EchoWorld, hubId: string): Promise<readonly MaintainAction[]> {
  // The world first: a row is there before anything is started for it.
  const living = world.all(hubId);
  const rows = new Map((await io.servers()).map((row) => [row.id, row]));
  const unwanted = living.filter(({ server, generation }) => {
    const row = rows.get(server);
    return row === undefined || row.phase === 'stopped' || row.generation > generation;
  });
  return unwanted.map((ref) => {
    if (!io.dryRun) world.stop(hubId, ref, io.clock.now());
    const what = io.dryRun ? 'would be ended' : 'was ended';
    return { code: 'stop_orphan', message: `${ref.server} belongs to nobody and ${what}.`, alert: true };
  });
}
