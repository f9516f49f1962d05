import type { Json } from '@atrium/sdk';
import type { Ec2Instance } from '../calls/types.ts';
import { fresh } from '../maintain/machine-acts.ts';
import type { Round } from '../maintain/round.ts';
import type { Profile } from '../profile-config.ts';
import { forgetResting } from '../survey.ts';
import { TAG } from '../tags.ts';
import { launchBatch, newBatch } from './launch-spares.ts';
import { batchKey, claimSpare, type SpareRow, spareBatches, spareKey, spareRows } from './spare-row.ts';

/** Machines of one profile that one round makes: people who come for the first time need EC2's turns as well. */
const MOST_LAUNCHES = 50;
/** A baked image has booted once after so long, and may be stopped. */
const BOOT_MS = 120_000;
/** Whoever took one has it in a record by then. */
const TAKEN_MS = 10 * 60_000;
/** EC2 may not know what it has just made. */
const CONSISTENCY_MS = 90_000;
/** Given to nobody: on its way out. */
const NOBODY = '';

/** A spare that waits, with its machine. */
interface Free {
  row: SpareRow;
  seen: Ec2Instance;
}

/** Keeps as many machines ready as the configuration and the calendar want: stopped ones always, running ones by schedule. */
export async function keepSpares(round: Round): Promise<void> {
  const { world, io } = round;
  const { config } = world;
  const profiles = new Set([...config.spares.map(({ profile }) => profile), ...Object.keys(io.wantedSpares)]);
  const [anyRow] = [...round.spares.keys()];
  const anyMachine = [...round.active, ...round.resting].some(({ tags }) => tags[TAG.role] === 'spare');
  if (profiles.size === 0 && anyRow === undefined && !anyMachine) return;
  // Before the rows are counted: of two hubs that count the same, one gets the turn to make more.
  const turns = new Map<string, Json | undefined>();
  for (const profile of profiles) turns.set(profile, await io.store.get(turnKey(profile)));
  if (!io.dryRun) await finishBatches(round);
  const free = await sort(round);
  for (const id of new Set([...profiles, ...free.map(({ row }) => row.profile)])) {
    const profile = config.profiles.find((one) => one.id === id);
    const own = free.filter(({ row }) => row.profile === id);
    const stopped = sum(config.spares.filter((one) => one.profile === id).map((one) => one.stopped));
    const running = sum(config.spares.filter((one) => one.profile === id).map((one) => one.running));
    const want = {
      // Spot machines cannot be stopped.
      stopped: profile?.market === 'on-demand' ? stopped : 0,
      running: running + Math.max(0, Math.floor(io.wantedSpares[id] ?? 0)),
    };
    if (!profile) await drop(round, own, 'its kind of machine is no longer offered');
    else {
      const trouble = { code: 'keep_spares', message: `Spare machines of “${profile.title}” cannot be looked after.` };
      await round.attempt(trouble, () => balance(round, profile, own, want, turns.get(id)));
    }
  }
}

const turnKey = (profile: string): string => `upkeep/spares/${profile}`;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Calls whose answer never came are made again as they were. */
async function finishBatches(round: Round): Promise<void> {
  const { world, io } = round;
  for (const batch of await spareBatches(io.store, world.cluster.id)) {
    await round.attempt({ code: 'launch_spares', message: `${batch.count} spare machines are to be made.` }, () =>
      launchBatch(world, batch, io.signal),
    );
  }
}

/** Rows and machines brought together. @returns those that wait for somebody */
async function sort(round: Round): Promise<Free[]> {
  const { world, io } = round;
  const machines = new Map([...round.resting, ...round.active].map((seen) => [seen.id, seen]));
  const free: Free[] = [];
  const rows = await spareRows(io.store, world.cluster.id);
  for (const row of rows) {
    if (round.tracked.has(row.instanceId)) {
      if (!io.dryRun) await io.store.delete(spareKey(row.instanceId));
      continue;
    }
    const seen =
      machines.get(row.instanceId) ?? (await world.instances.look(row.instanceId, 30_000, { signal: io.signal }));
    if (!seen || seen.state === 'terminated') {
      if (round.now - row.at > CONSISTENCY_MS && !io.dryRun) await io.store.delete(spareKey(row.instanceId));
    } else if (row.taken === null) {
      if (seen.state !== 'shutting-down') free.push({ row, seen });
    } else if (row.taken.server === NOBODY || round.now - row.taken.at > TAKEN_MS) {
      await end(round, row, 'nobody came for it');
    }
  }
  const known = new Set(rows.map(({ instanceId }) => instanceId));
  for (const seen of machines.values()) {
    if (seen.tags[TAG.role] !== 'spare' || known.has(seen.id) || round.tracked.has(seen.id)) continue;
    if (!['pending', 'running', 'stopping', 'stopped'].includes(seen.state)) continue;
    const row: SpareRow = {
      cluster: world.cluster.id,
      instanceId: seen.id,
      profile: seen.tags[TAG.profile] ?? '',
      zone: seen.zone,
      at: seen.launchedAt,
      taken: null,
    };
    await round.act(
      { code: 'adopt_spare', message: `${seen.id}, a spare machine without a row, ${round.is('entered')}.` },
      () => io.store.claim(spareKey(seen.id), row as Json),
    );
    free.push({ row, seen });
  }
  return free;
}

async function balance(
  round: Round,
  profile: Profile,
  own: readonly Free[],
  want: { stopped: number; running: number },
  turn: Json | undefined,
): Promise<void> {
  const { world, now } = round;
  const total = want.stopped + want.running;
  // An image that cannot be found is told by whoever needs it.
  const imageId = profile.image ? await world.images.find(profile.image) : undefined;
  const old = own.filter(({ seen }) => imageId !== undefined && seen.imageId !== imageId);
  await drop(round, old, 'its image has a successor');
  const current = own.filter((one) => !old.includes(one));
  // What costs most goes first.
  const isUp = ({ seen }: Free) => seen.state === 'running' || seen.state === 'pending';
  const dearFirst = current.toSorted((a, b) => Number(isUp(b)) - Number(isUp(a)) || a.row.at - b.row.at);
  const extra = dearFirst.slice(0, Math.max(0, current.length - total));
  await drop(round, extra, 'so many are not wanted any more');
  const kept = current.filter((one) => !extra.includes(one));

  const up = kept.filter(isUp);
  const down = kept.filter(({ seen }) => seen.state === 'stopped');
  for (const { seen } of down.slice(0, Math.max(0, want.running - up.length))) {
    await round.act(
      { code: 'start_spare', message: `${seen.id}, a spare “${profile.title}”, ${round.is('started')}.` },
      () => world.ec2.startInstance(seen.id),
    );
    world.instances.stale(seen.id);
  }
  const bootMs = world.config.agent.baked ? BOOT_MS : world.config.agent.installSeconds * 1000;
  const booted = up.filter(({ seen }) => seen.state === 'running' && now - seen.launchedAt >= bootMs);
  for (const { row, seen } of booted.slice(0, Math.max(0, up.length - want.running))) {
    await round.act(
      {
        code: 'stop_spare',
        message: `${seen.id}, a spare “${profile.title}” that has booted, ${round.is('stopped')}.`,
      },
      async () => {
        if (!(await isFree(round, row))) return;
        await world.ec2.stopInstance(seen.id, { hibernate: false, force: false });
        world.instances.stale(seen.id);
      },
    );
  }
  if (kept.length < total) await launch(round, profile, kept, Math.min(total - kept.length, MOST_LAUNCHES), turn);
}

/** Spread over the zones: a home can only be where its machine is. */
async function launch(
  round: Round,
  profile: Profile,
  kept: readonly Free[],
  count: number,
  turn: Json | undefined,
): Promise<void> {
  const { world, io, now } = round;
  if (!io.dryRun) {
    const next = { at: now };
    const won =
      turn === undefined
        ? await io.store.claim(turnKey(profile.id), next)
        : await swapTurn(io.store, profile.id, turn, next);
    if (!won) return;
  }
  const zones = new Map(world.config.subnets.map(({ zone }) => [zone, { there: 0, more: 0 }]));
  for (const { row } of kept) {
    const zone = zones.get(row.zone);
    if (zone) zone.there += 1;
  }
  for (let n = 0; n < count; n += 1) {
    const emptiest = [...zones.values()].toSorted((a, b) => a.there + a.more - (b.there + b.more))[0];
    if (emptiest) emptiest.more += 1;
  }
  for (const [zone, { more }] of zones) {
    if (more === 0) continue;
    const batch = await newBatch(world, profile, zone, more);
    if (!batch) continue;
    const many = more === 1 ? '1 spare machine' : `${more} spare machines`;
    await round.act(
      { code: 'launch_spares', message: `${many} (“${profile.title}”, ${batch.type} in ${zone}) ${round.is('made')}.` },
      async () => {
        await io.store.put(batchKey(batch.token), batch as Json);
        await launchBatch(world, batch, io.signal);
      },
    );
  }
}

/** Two rounds of one moment must not look alike. */
function swapTurn(store: Round['io']['store'], profile: string, turn: Json, next: { at: number }): Promise<boolean> {
  const before = (turn as { n?: number }).n ?? 0;
  return store.swap(turnKey(profile), turn, { ...next, n: before + 1 });
}

async function drop(round: Round, some: readonly Free[], why: string): Promise<void> {
  for (const { row } of some) await end(round, row, why);
}

/** Nobody can take it from now on; then it goes. */
async function end(round: Round, row: SpareRow, why: string): Promise<void> {
  const { world, io } = round;
  await round.act(
    { code: 'drop_spare', message: `${row.instanceId}, a spare machine, ${round.is('removed')}: ${why}.` },
    async () => {
      const nobody = { server: NOBODY, generation: 0, at: round.now };
      if (row.taken?.server !== NOBODY && !(await claimSpare(io.store, row, nobody))) return;
      const seen = await fresh(world, { id: row.instanceId }, round);
      // A record that names it came first.
      if (!seen || (await isTracked(round, row.instanceId))) return;
      await world.ec2.terminateInstances([row.instanceId], { signal: io.signal });
      world.instances.stale(row.instanceId);
      forgetResting(world);
    },
  );
}

async function isFree({ io }: Round, row: SpareRow): Promise<boolean> {
  return JSON.stringify(await io.store.get(spareKey(row.instanceId))) === JSON.stringify(row);
}

async function isTracked({ io }: Round, instanceId: string): Promise<boolean> {
  return (await io.store.get(`machine/${instanceId}`)) !== undefined;
}
