import { setTimeout as delay } from 'node:timers/promises';
import { type Chance, chance as chanceOf } from '../../lib/chance.ts';
import { CLUSTER, settle, spawnerConfig } from './account.ts';
import { compare, doubles, type Wrong } from './check.ts';
import { deckOf, type Plan } from './deck.ts';
import { type Keeper, type Killed, startKeeper } from './keeper.ts';
import { type Person, personOf } from './people.ts';
import { MUTATING, moveIn, type Region, startRegion } from './region.ts';
import { STORIES, type Story } from './stories.ts';

export interface ChaosOptions {
  /** Stories in which a hub was killed. */
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

/** A few stories told at once, with what was wrong after them. */
export interface Failed {
  round: number;
  plan: Plan;
  wrong: Wrong[];
}

export interface ChaosResult {
  seed: number;
  /** Stories in which at least one hub was killed. */
  rounds: number;
  /** How often a story was disturbed: one kill disturbs everybody who is at it. */
  disturbances: number;
  /** Stories that were over before a kill; they are checked all the same, and not counted. */
  missed: number;
  kills: Killed[];
  dropped: number;
  /** Calls that launch a machine, and that make a home. */
  machines: number;
  homes: number;
  failed: Failed[];
  ms: number;
}

/** One story and who lives it. */
interface Part {
  name: string;
  story: Story;
  person: Person;
  /** ms of ours */
  from: number;
  to: number;
}

/** So many people take turns; one more comes with each first login, and the one who has been there longest stays away. */
const PEOPLE = 16;
/** Two sweeps of the hub and two rounds of upkeep, simulated ms. */
const TWO_SWEEPS_MS = 150_000;
/** Between two comparisons, ms of ours. */
const LOOK_MS = 100;

/** Tells stories, several at a time, and kills hubs in them until so many were disturbed. */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { say = () => {} } = options;
  const chance = chanceOf(options.seed);
  await using region = await startRegion();
  const foreign = settle(region);
  const before = JSON.stringify(foreign());
  await using keeper = await startKeeper(region, (port) => spawnerConfig(region, port));
  const names = Object.keys(STORIES).filter((name) => name.includes(options.only ?? ''));
  const deck = deckOf(names, chance, options.sample ?? false);
  const everybody: Person[] = [];
  const result: ChaosResult = {
    ...{
      seed: options.seed,
      rounds: 0,
      disturbances: 0,
      missed: 0,
      kills: [],
      dropped: 0,
      machines: 0,
      homes: 0,
      failed: [],
      ms: 0,
    },
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
    let parts: Part[] = [];
    let killed: Killed[] = [];
    try {
      parts = await cast(region, keeper, chance, everybody, plan);
      killed = await tell(region, keeper, chance, parts, plan, result);
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
    const hits = parts.map(({ from, to }) => killed.filter(({ at }) => at >= from && at <= to).length);
    const disturbed = hits.filter((times) => times > 0).length;
    result.disturbances += hits.reduce((sum, times) => sum + times, 0);
    result.rounds += disturbed;
    result.missed += parts.length - disturbed;
    say(`${result.rounds} ${line(plan, parts, killed)} ${Date.now() - at} ms`);
    if (wrong.length > 0) {
      result.failed.push({ round: result.rounds, plan, wrong });
      say(`  WRONG ${wrong.map(({ kind, what }) => `${kind}: ${what}`).join('\n        ')}`);
      // What is broken stays broken: each later round would tell of it again.
      break;
    }
  }
  result.machines = region.sim.calls.count({ action: 'RunInstances', caller: 'hub' });
  result.homes = region.sim.calls.count({ action: 'CreateVolume', caller: 'hub' });
  result.ms = Date.now() - started;
  return result;
}

/** Who lives the stories of this plan, with everything as it must be before. */
async function cast(region: Region, keeper: Keeper, chance: Chance, everybody: Person[], plan: Plan): Promise<Part[]> {
  const free = everybody.slice(-PEOPLE);
  const parts = [plan.story, ...plan.beside].map((name): Part => {
    const story = STORIES[name]!;
    let [person] = story.newcomer ? [] : free.splice(Math.floor(chance.next() * free.length), 1);
    if (!person) {
      person = personOf(region, keeper, `student${everybody.length + 1}`);
      everybody.push(person);
    }
    return { name, story, person, from: 0, to: 0 };
  });
  const playing = new Set(parts.map(({ person }) => person));
  const leaving = everybody.slice(-2 * PEOPLE, -PEOPLE).filter((person) => !playing.has(person));
  await Promise.all([
    ...leaving.map((person) => person.want('stopped')),
    ...parts.map(async ({ story, person }) => {
      await person.look();
      // Somebody who never came yet has no machine: most stories are about one.
      if (!story.newcomer && !person.belongings) {
        await person.want('ready');
        person.belongings = homeOf(region, person);
      }
      await person.want(story.from);
    }),
  ]);
  for (const { story, person } of parts) await story.before?.({ region, chance, person });
  return parts;
}

function homeOf(region: Region, person: Person) {
  const machine = person.machine();
  const home = [...region.sim.world.volumes.values()].find(
    ({ attachment, tags }) => attachment?.instanceId === machine?.id && tags.get('atrium:role') === 'home',
  );
  if (!home) throw new Error(`${person.name} is ready without a home`);
  return moveIn(region, home.id, `the work of ${person.name}`);
}

/** The stories with their kills. */
async function tell(
  region: Region,
  keeper: Keeper,
  chance: Chance,
  parts: Part[],
  plan: Plan,
  result: ChaosResult,
): Promise<Killed[]> {
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
    const told = await Promise.allSettled(
      parts.map(async (part) => {
        const { story, person } = part;
        part.from = Date.now();
        await story.act({ region, chance, person });
        // A hub may just be dying over the last thing that it did.
        await keeper.up();
        await person.want(story.to);
        if (story.to === 'ready') person.belongings ??= homeOf(region, person);
        part.to = Date.now();
      }),
    );
    const [failed] = told.filter((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
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
    for (const end = clock.now() + TWO_SWEEPS_MS / 2; heals() && clock.now() < end; wrong = look())
      await delay(LOOK_MS);
    if (!heals()) break;
    await keeper.upkeep();
    wrong = look();
  }
  return [...wrong, ...keeper.problems.map((what): Wrong => ({ kind: 'inconsistent', what }))];
}

function line({ kills, drops, outageMs }: Plan, parts: readonly Part[], killed: readonly Killed[]): string {
  const who = parts.map(({ name, person, from, to }) => `${name} (${person.name}, ${to - from} ms)`).join(' + ');
  const wanted = kills.map(({ place, nth }) => `${place} ${nth}`).join(', ');
  const done = killed.map(({ place, what }) => `${place}: ${what}`).join(', ') || 'nobody';
  return `${who}; ${wanted}; drops ${drops.join(' ') || 'none'}; ${outageMs} ms: killed ${done};`;
}
