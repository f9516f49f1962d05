import { type Observed, SpawnFault } from '@atrium/sdk';
import type { Ec2Instance, Launch } from '../calls/types.ts';
import { Ec2Fault } from '../errors.ts';
import { ensureHome, homeZone } from '../homes/ensure-home.ts';
import { readHome } from '../homes/home-row.ts';
import { launchToken, nextRung, type Rung, rungs, zonesInTurn } from '../ladder.ts';
import { type Attempt, isClosed, machineKey } from '../records.ts';
import { TAG, tagsOf, userTag } from '../tags.ts';
import { noteTrouble } from '../troubles.ts';
import { userData } from '../user-data.ts';
import { brokenProfiles } from './broken.ts';
import { change, diesAgain, type Start, told } from './parts.ts';
import { adoptSpare } from './spare.ts';

/** So many machines of one start may die while they come up. */
const MOST_DEATHS = 4;

/** An attempt older than this is stamped anew before it is repeated. */
const REPEATED_MS = 30_000;

/** One step of a start that has no instance: a queue, one call, or the next rung. */
export async function launchStep(start: Start, lastReason = ''): Promise<Observed> {
  const { world, spec, io, record } = start;
  // A call whose outcome nobody knows is repeated as it was, whatever should be tried next.
  if (record.attempt) return launch(start, record.attempt);
  if (record.deaths >= MOST_DEATHS) throw diesAgain(lastReason || 'unknown');
  brokenProfiles(world).check(spec.profile);

  const home = await homeStep(start);
  if ('wait' in home) return home.wait;
  const spare = await adoptSpare(start, home.zone);
  if (spare) return spare;

  const ladder = rungs(
    {
      types: spec.types,
      market: spec.market,
      spotFallback: spec.spotFallback,
      zones: world.config.subnets.map(({ zone }) => zone),
      pinned: home.zone,
      serverId: record.server,
    },
    world.capacity,
  );
  const next = nextRung(ladder, world.capacity);
  if ('retryAt' in next) throw nothingFree(start, next.retryAt);

  const turn = world.ec2.launchTurn(record.server);
  if (turn.place > 0) return queued(start, turn);
  const attempt = await newAttempt(start, next.rung);
  await io.save(attempt);
  await change(start, { attempt, attempts: attempt.n });
  return launch(start, attempt, true);
}

/** Where the home is, or what is to be waited for before a machine is worth its money. */
async function homeStep(start: Start): Promise<{ zone: string | undefined } | { wait: Observed }> {
  const { world, spec, io } = start;
  const zones = world.config.subnets.map((one) => one.zone);
  let zone = await homeZone(world, spec.storage, io.signal);
  if (zone === undefined) {
    const row = await readHome(world.store, spec.storage);
    // A new home is made where its machine could be had; an archived one gets its zone now, and the machine follows.
    if (row?.tier !== 'archived') return { zone: undefined };
    zone = zonesInTurn(zones, start.ref.server, world.capacity)[0]!;
  }
  if (!zones.includes(zone)) {
    throw new SpawnFault({
      class: 'config',
      code: 'no_subnet_in_zone',
      message: `Your home disk is in zone ${zone}, where this installation has no network any more.`,
      advice: 'An administrator must name a subnet of that zone. Your files are safe.',
    });
  }
  const home = await ensureHome(
    world,
    { storage: spec.storage, user: spec.user, zone, sizeGb: spec.homeGb },
    io.signal,
  );
  // Minutes: a machine that waits for it would only cost money.
  if (home.state === 'restoring') return { wait: told(start, 'pending', home.percent, home.message) };
  return { zone };
}

async function newAttempt(start: Start, rung: Rung): Promise<Attempt> {
  const { world, ref, spec, record } = start;
  const n = record.attempts + 1;
  const imageId = spec.image ? await world.images.find(spec.image) : null;
  const wantsRoot = spec.rootGb !== null || spec.onIdle === 'hibernate';
  const rootDevice = wantsRoot && imageId ? await rootDeviceOf(start, imageId) : null;
  return {
    n,
    generation: ref.generation,
    token: launchToken(world.cluster.id, ref.server, ref.generation, n, rung),
    ...rung,
    subnetId: world.config.subnets.find(({ zone }) => zone === rung.zone)!.id,
    imageId,
    rootDevice,
    profile: spec.profile,
    at: world.clock.now(),
  };
}

async function rootDeviceOf({ world, io }: Start, imageId: string): Promise<string | null> {
  const [image] = await world.ec2.describeImages({ ids: [imageId] }, { signal: io.signal });
  return image?.rootDevice ?? null;
}

/** Makes the call of an attempt that is saved, for the first time or again. */
async function launch(start: Start, attempt: Attempt, turnTaken = false): Promise<Observed> {
  const { world, spec, io, ref, record } = start;
  // Between the saving and the call: a stop that came meanwhile either sees the attempt, or is seen here.
  if (await isClosed(io.store, world.cluster.id, ref.server, ref.generation)) {
    if (turnTaken) await change(start, { attempt: null });
    return { phase: 'exited', exit: { code: null, reason: 'stopped' } };
  }
  // Whoever stops this start waits from here until EC2 shows what the call made.
  if (!turnTaken && world.clock.now() - attempt.at > REPEATED_MS) {
    attempt = { ...attempt, at: world.clock.now() };
    await change(start, { attempt });
  }
  let made: Ec2Instance | undefined;
  start.tried = attempt;
  try {
    [made] = await world.ec2.runInstances({ ...launchOf(start, attempt), turnTaken }, { signal: io.signal });
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    if (error.class === 'mismatch') made = await madeByToken(start, attempt);
    else if (error.class === 'capacity') return refused(start, attempt, error);
    else if (error.retryable) throw error;
    else {
      // A refusal made nothing: the next start begins with an attempt of its own.
      await change(start, { attempt: null });
      if (error.class === 'config' || error.class === 'image') brokenProfiles(world).note(spec.profile, error);
      throw error;
    }
  }
  if (!made) return told(start, 'pending', 8, 'Your machine is being made');
  await io.store.put(machineKey(made.id), { server: ref.server });
  await change(start, {
    attempt: null,
    instanceId: made.id,
    profile: attempt.profile,
    onIdle: spec.onIdle,
    type: attempt.type,
    zone: attempt.zone,
    market: attempt.market,
    imageId: made.imageId || attempt.imageId,
    attached: false,
    // EC2's own word: an attempt repeated by a later hub, or a later start, is old, and its machine may be seconds old.
    startedAt: made.launchedAt,
    runningAt: null,
    privateIp: made.privateIp ?? null,
    stale: false,
    curedAt: made.launchedAt,
    cures: 0,
  });
  world.instances.see([made]);
  world.log.info(
    { server: record.server, instance: made.id, type: attempt.type, zone: attempt.zone, market: attempt.market },
    'instance launched',
  );
  return told(start, 'pending', 10, `Machine requested: ${attempt.type} in ${attempt.zone}`);
}

/** The token has made an instance with other parameters (the configuration changed in between): that one is ours. */
async function madeByToken({ world, io }: Start, { token }: Attempt): Promise<Ec2Instance | undefined> {
  const found = await world.ec2.describeInstances({ filters: { 'client-token': [token] } }, { signal: io.signal });
  return found[0];
}

async function refused(start: Start, attempt: Attempt, error: Ec2Fault): Promise<Observed> {
  const { world, spec } = start;
  world.capacity.note(attempt);
  const about = { ...rungOf(attempt), profile: spec.profile };
  await noteTrouble(world, start.io.store, error, about);
  world.log.warn({ server: start.ref.server, ...rungOf(attempt), code: error.code }, 'EC2 has no such machine free');
  await change(start, { attempt: null });
  const other = spec.types.length > 1 || world.config.subnets.length > 1 || spec.market === 'spot';
  const more = other ? 'looking for another' : 'asking again later';
  return told(start, 'pending', 6, `AWS has no ${attempt.type} free in ${attempt.zone} just now; ${more}`);
}

const rungOf = ({ type, zone, market }: Rung) => ({ type, zone, market });

function nothingFree({ world, spec }: Start, retryAt: number): SpawnFault {
  const minutes = Math.max(1, Math.ceil((retryAt - world.clock.now()) / 60_000));
  return new SpawnFault({
    class: 'capacity',
    code: 'nothing_free',
    message: `AWS has no machine for “${spec.title}” free at the moment. Everything that would do was tried.`,
    advice: `Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}, or choose another kind of machine.`,
  });
}

/** Words change with every step; a line per place would be a wall of text. */
function queued(start: Start, { place, waitMs }: { place: number; waitMs: number }): Observed {
  const { server, generation } = start.ref;
  const last = start.book.soFar(server, generation).at(-1)?.message ?? '';
  const before = Number(/^(\d+) /.exec(last)?.[1] ?? Number.POSITIVE_INFINITY);
  if (place > before - Math.max(5, before / 4) && before !== Number.POSITIVE_INFINITY) {
    return { phase: 'pending', progress: start.book.soFar(server, generation) };
  }
  const seconds = Math.max(1, Math.round(waitMs / 1000));
  return told(
    start,
    'pending',
    3,
    `${place} in the queue for a new machine, about ${seconds} s: AWS makes only so many a second`,
  );
}

/** What RunInstances is called with: nothing but the attempt, the configuration and the person decides. */
function launchOf({ world, ref, spec }: Start, attempt: Attempt): Launch {
  const { config } = world;
  return {
    token: attempt.token,
    type: attempt.type,
    subnetId: attempt.subnetId,
    market: attempt.market,
    ...(attempt.imageId !== null && { imageId: attempt.imageId }),
    ...(config.launchTemplate && { launchTemplate: config.launchTemplate }),
    securityGroups: config.securityGroups,
    ...(spec.rootGb !== null && { rootGb: spec.rootGb }),
    ...(attempt.rootDevice !== null && { rootDevice: attempt.rootDevice }),
    hibernate: spec.onIdle === 'hibernate',
    ...(spec.publicIp !== null && { publicIp: spec.publicIp }),
    ...(spec.instanceProfile !== null && { instanceProfile: spec.instanceProfile }),
    ...userData(world),
    tags: tagsOf(world.cluster, 'worker', {
      [TAG.user]: userTag(spec.user),
      [TAG.server]: ref.server,
      [TAG.generation]: String(attempt.generation),
      [TAG.profile]: attempt.profile,
      [TAG.storage]: spec.storage,
      [TAG.name]: `${world.cluster.name} ${userTag(spec.user)}`.slice(0, 255),
    }),
  };
}
