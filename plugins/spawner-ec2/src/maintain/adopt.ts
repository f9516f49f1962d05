import type { Json, MaintainServer } from '@atrium/sdk';
import type { Ec2Instance } from '../calls/types.ts';
import { type InstanceRecord, machineKey, recordKey } from '../records.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { nameOf } from './kinds.ts';
import { fresh } from './machine-acts.ts';
import type { Round } from './round.ts';

/** The row is there and names no machine: this one is its. After a lost database, all of them are. */
export async function adopt(
  round: Round,
  seen: Ec2Instance,
  server: string,
  record: InstanceRecord | undefined,
): Promise<void> {
  const { world, io } = round;
  if (seen.state !== 'running' && seen.state !== 'stopped') return;
  const row = round.servers.get(server);
  // A start that is under way writes its own record; one look is no reason.
  if (!row || row.phase === 'starting' || row.phase === 'stopping') return;
  if ((await round.sighted('adopt', seen.id)) === undefined && !io.dryRun) return;
  // Stopped ones were looked at some minutes ago.
  const now = await fresh(world, seen, round);
  if (now?.state !== seen.state) return;
  await round.act(
    { code: 'adopt', message: `${nameOf(seen, row)} ${round.is('taken over')} by its tags: its record was lost.` },
    async () => {
      const next = recordOf(world, seen, row, record);
      const won = record
        ? await io.store.swap(recordKey(server), record as Json, next as Json)
        : await io.store.claim(recordKey(server), next as Json);
      if (won) await io.store.put(machineKey(seen.id), { server });
    },
  );
}

function recordOf(
  world: Ec2World,
  seen: Ec2Instance,
  row: MaintainServer,
  before: InstanceRecord | undefined,
): InstanceRecord {
  const profile = world.config.profiles.find(({ id }) => id === seen.tags[TAG.profile]) ?? world.config.profiles[0];
  const tagged = Number(seen.tags[TAG.generation]);
  // A record that is ahead of its row would keep every start from doing anything.
  const generation = before?.generation ?? Math.min(Number.isSafeInteger(tagged) ? tagged : 0, row.generation);
  return {
    cluster: world.cluster.id,
    server: row.id,
    generation,
    user: row.user,
    storage: row.storage ?? null,
    profile: profile?.id ?? '',
    onIdle: profile?.onIdle ?? 'stop',
    // Above what any attempt of the lost record can have been: a token is never used for two things.
    attempts: before?.attempts ?? 1000 + generation,
    attempt: null,
    instanceId: seen.id,
    type: seen.type,
    zone: seen.zone,
    market: seen.market,
    imageId: seen.imageId || null,
    homeVolume: null,
    attached: false,
    startedAt: seen.launchedAt,
    runningAt: seen.state === 'running' ? seen.launchedAt : null,
    privateIp: seen.privateIp ?? null,
    released: row.phase === 'ready' ? generation - 1 : generation,
    deaths: 0,
    cures: 0,
    curedAt: seen.launchedAt,
    stale: false,
  };
}
