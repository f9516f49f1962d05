import { setTimeout as delay } from 'node:timers/promises';
import { type Chance, chance as chanceOf } from '../lib/chance.ts';
import { compare, doubles, type Wrong } from './chaos-check.ts';
import { deckOf, type Plan } from './chaos-deck.ts';
import { type Keeper, type Killed, startKeeper } from './chaos-keeper.ts';
import { type Person, personOf } from './chaos-people.ts';
import { MUTATING, moveIn, type Region, startRegion } from './chaos-region.ts';
import { STORIES } from './chaos-stories.ts';

export interface ChaosOptions {
  /** Rounds in which a hub was killed. */
  rounds: number;
  seed: number;
  /** Draw kills by chance from all places, for a run that is too short to go through them. */
  sample?: boolean;
  /** Only stories whose name contains this. */
  only?: string;
  /** Stops early when so many ms of ours have passed. */
  within?: number;
  say?(line: string): void;
}

/** One round with what was wrong after it. */
export interface Failed {
  round: number;
  plan: Plan;
  wrong: Wrong[];
}

export interface ChaosResult {
  seed: number;
  rounds: number;
  /** Stories that ended before their kill; they are checked all the same, and not counted. */
  missed: number;
  kills: Killed[];
  dropped: number;
  /** Machines that were ever launched, and homes that were made. */
  machines: number;
  homes: number;
  failed: Failed[];
  /** Faults that starts were ended with, by code. */
  faults: Record<string, number>;
}

export const CLUSTER = 'chaos-cluster';
const SPEED = 60;
/** So many people take turns; one more comes with each first login, and the one who has been there longest stays away. */
const PEOPLE = 4;
/** Two sweeps of the hub and two rounds of upkeep, simulated ms. */
const TWO_SWEEPS_MS = 150_000;

/** Tells stories and kills hubs in them until so many rounds are done. */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { say = () => {} } = options;
  const chance = chanceOf(options.seed);
  await using region = await startRegion(SPEED);
  const foreign = settle(region);
  const before = JSON.stringify(foreign());
  await using keeper = await startKeeper(region, (port) => spawnerConfig(region, port));
  const names = Object.keys(STORIES).filter((name) => name.includes(options.only ?? ''));
  const deck = deckOf(names, chance, options.sample ?? false);
  const everybody: Person[] = [];
  const result: ChaosResult = {
    ...{ seed: options.seed, rounds: 0, missed: 0, kills: [], dropped: 0, machines: 0, homes: 0 },
    ...{ failed: [], faults: {} },
  };
  const twice = new Set<string>();
  region.sim.faults.add({
    action: '*',
    match() {
      for (const what of doubles(region)) twice.add(what);
      return false;
    },
  });

  const started = Date.now();
  while (result.rounds < options.rounds && Date.now() - started < (options.within ?? Number.POSITIVE_INFINITY)) {
    const plan = deck.draw();
    const at = Date.now();
    const wrong: Wrong[] = [];
    let killed: Killed[] = [];
    let person: Person | undefined;
    try {
      person = await somebody(region, keeper, chance, everybody, plan);
      killed = await tell(region, keeper, chance, person, plan, result);
    } catch (error) {
      wrong.push({ kind: 'locked out', what: error instanceof Error ? error.message : String(error) });
      killed = await keeper.disarm().catch(() => []);
    }
    wrong.push(...(await settled(region, keeper, everybody)));
    for (const what of twice) wrong.push({ kind: 'duplicate', what: `at one moment: ${what}` });
    twice.clear();
    if (JSON.stringify(foreign()) !== before)
      wrong.push({ kind: 'foreign', what: 'something that is not ours was changed' });
    deck.note(plan, killed.length > 0);
    result.kills.push(...killed);
    if (killed.length > 0) result.rounds += 1;
    else result.missed += 1;
    say(`${result.rounds} ${line(plan, person?.name, killed)} ${Date.now() - at} ms`);
    if (wrong.length > 0) {
      result.failed.push({ round: result.rounds, plan, wrong });
      say(`  WRONG ${wrong.map(({ kind, what }) => `${kind}: ${what}`).join('\n        ')}`);
      // What is broken stays broken: each later round would tell of it again.
      if (keeper.problems.length > 0 || !wrong.every(({ kind }) => kind === 'locked out')) break;
    }
  }
  result.machines = region.sim.calls.count({ action: 'RunInstances', caller: 'hub' });
  result.homes = region.sim.calls.count({ action: 'CreateVolume', caller: 'hub' });
  return result;
}

/** The one whom the story is about, and everything as it must be before it. */
async function somebody(
  region: Region,
  keeper: Keeper,
  chance: Chance,
  everybody: Person[],
  plan: Plan,
): Promise<Person> {
  const story = STORIES[plan.story]!;
  const active = everybody.slice(-PEOPLE);
  const newcomer = story.newcomer || active.length === 0;
  const person = newcomer
    ? personOf(region, keeper, `student${everybody.length + 1}`)
    : active[Math.floor(chance.next() * active.length)]!;
  if (newcomer) {
    everybody.push(person);
    const leaves = everybody.at(-PEOPLE - 1);
    await leaves?.want('stopped');
    await person.look();
  }
  // Somebody who never came yet has no machine: most stories are about one.
  if (!story.newcomer && !person.belongings) await visit(region, person);
  await person.want(story.from);
  await story.before?.({ region, chance, person });
  return person;
}

/** Comes, and leaves something in the home. */
async function visit(region: Region, person: Person): Promise<void> {
  await person.want('ready');
  person.belongings ??= homeOf(region, person);
}

function homeOf(region: Region, person: Person) {
  const machine = person.machine();
  const home = [...region.sim.world.volumes.values()].find(
    ({ attachment, tags }) => attachment?.instanceId === machine?.id && tags.get('atrium:role') === 'home',
  );
  if (!home) throw new Error(`${person.name} is ready without a home`);
  return moveIn(region, home.id, `the work of ${person.name}`);
}

/** One story with its kills. */
async function tell(
  region: Region,
  keeper: Keeper,
  chance: Chance,
  person: Person,
  plan: Plan,
  result: ChaosResult,
): Promise<Killed[]> {
  const story = STORIES[plan.story]!;
  let calls = 0;
  const faults = MUTATING.map((action) =>
    region.sim.faults.add({
      action,
      match: (_, caller) => caller === 'hub' && plan.drops.includes(++calls),
      times: Number.POSITIVE_INFINITY,
      dropResponse: true,
    }),
  );
  try {
    await keeper.arm(plan.kills, plan.outageMs);
    await story.act({ region, chance, person });
    // A hub may just be dying over the last thing that it did.
    await keeper.up();
    await person.want(story.to);
    if (story.to === 'ready') person.belongings ??= homeOf(region, person);
    return await keeper.disarm();
  } finally {
    for (const fault of faults) {
      result.dropped += fault.hits;
      fault.remove();
    }
  }
}

/** Waits until nothing is wrong any more, for as long as two sweeps take. @returns what still is */
async function settled(region: Region, keeper: Keeper, people: readonly Person[]): Promise<Wrong[]> {
  const { clock } = region;
  const look = () => compare(region, keeper.dataDir, CLUSTER, people);
  let wrong = look();
  const heals = () => wrong.length > 0 && keeper.problems.length === 0;
  for (let round = 0; round < 2 && heals(); round++) {
    for (const end = clock.now() + TWO_SWEEPS_MS / 2; heals() && clock.now() < end; wrong = look()) await delay(50);
    if (heals()) await keeper.upkeep();
  }
  return [...wrong, ...keeper.problems.map((what): Wrong => ({ kind: 'inconsistent', what }))];
}

function line({ story, kills, drops, outageMs }: Plan, name: string | undefined, killed: readonly Killed[]): string {
  const wanted = kills.map(({ place, nth }) => `${place} ${nth}`).join(', ');
  const done = killed.map(({ place, what }) => `${place}: ${what}`).join(', ') || 'nobody';
  return `${story} (${name}); ${wanted}; drops ${drops.join(' ') || 'none'}; ${outageMs} ms: killed ${done}`;
}

/** Puts things of other people into the account. @returns how they are now */
function settle({ sim }: Region): () => unknown {
  const { world } = sim;
  const subnet = [...world.subnets.values()][0]!;
  const strangers = [
    world.volumes.set('vol-0aaaaaaaaaaaaaaaa', volume('vol-0aaaaaaaaaaaaaaaa', [])),
    world.volumes.set(
      'vol-0bbbbbbbbbbbbbbbb',
      volume('vol-0bbbbbbbbbbbbbbbb', [
        ['atrium:cluster-id', 'another-cluster'],
        ['atrium:role', 'home'],
        ['atrium:storage', 'student1'],
        ['atrium:user', 'student1'],
      ]),
    ),
  ];
  function volume(id: string, tags: [string, string][]) {
    const at = world.clock.now();
    return {
      ...{ id, seq: world.nextSeq++, tags: new Map(tags), createdAt: at, visibleAt: at, tagsVisibleAt: at },
      ...{ sizeGb: 10, type: 'gp3', zone: subnet.zone, encrypted: true, state: 'available' as const },
    };
  }
  const ids = [...strangers[0]!.keys()].filter((id) => /^vol-0(a+|b+)$/.test(id));
  return () => ids.map((id) => [id, world.volumes.get(id)?.state, [...(world.volumes.get(id)?.tags ?? [])]]);
}

function spawnerConfig({ sim }: Region, port: number): Record<string, unknown> {
  const { world } = sim;
  const image = { id: [...world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id };
  return {
    cluster: { name: 'class', id: CLUSTER },
    region: sim.region,
    hubUrl: `http://127.0.0.1:${port}/hub/`,
    subnets: [...world.subnets.values()].map(({ id, zone }) => ({ id, zone })),
    securityGroups: [[...world.groups.keys()][0]!],
    identity: { certificates: [sim.certificate] },
    agent: { deadlineSeconds: 600 },
    profiles: [
      { id: 'small', title: 'Small', types: ['t3.medium', 't3a.medium'], image },
      { id: 'large', title: 'Large', types: ['t3.large', 't3a.large'], image },
      { id: 'spot', title: 'Spot', types: ['t3.medium', 't3.large'], image, market: 'spot' },
    ],
  };
}
