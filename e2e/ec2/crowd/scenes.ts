import type { Call, Ec2Sim } from '@atrium/ec2-sim';
import type { CrowdHub } from './hub.ts';
import { Person, type Visit } from './person.ts';
import type { Region } from './region.ts';

/** One start that came to its end, with what the region and the hub know of it. Times in ms of the region's clock. */
export interface Start extends Visit {
  instanceId: string;
  /** When EC2 took the call that powers the machine on. */
  calledAt: number;
  /** When the agent began: what lies between is EC2's and the operating system's. */
  agentAt: number;
  servingAt: number;
}

export interface Scene {
  starts: Start[];
  failures: string[];
  /** Calls of the hub from the first request on, until the last was ready. */
  calls: readonly Call[];
}

/** Time that hub, plug-in and agent added to what EC2 and the operating system took, ms. */
export const addedMs = ({ requestedAt, readyAt, calledAt, agentAt }: Start) =>
  readyAt - requestedAt - (agentAt - calledAt);
/** How long after its machine's boot a person had a server, ms. */
export const afterBootMs = ({ readyAt, agentAt }: Start) => readyAt - agentAt;

const AT_ONCE = 50;
const LEFT_WITHIN_MS = 300_000;

/** People of a name each, signed in a few at a time: signing in is not what is measured. */
export async function signIn(names: readonly string[], hub: CrowdHub, region: Region): Promise<Person[]> {
  const people = names.map((name) => new Person(name, hub.origin, region.sim.clock));
  await inTurns(people, (person) => person.signIn());
  return people;
}

async function inTurns<T>(all: readonly T[], act: (one: T) => Promise<unknown>): Promise<void> {
  const waiting = all.toReversed();
  const worker = async () => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) await act(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Everybody asks for their server, evenly over `withinMs`, and waits until it is ready. */
export async function arrive(people: readonly Person[], withinMs: number, region: Region): Promise<Scene> {
  const { sim } = region;
  const since = sim.calls.mark();
  const visits = await Promise.allSettled(
    people.map(async (person, at) => {
      await sim.clock.sleep((at * withinMs) / people.length);
      return person.start();
    }),
  );
  const calls = sim.calls.all({ since });
  const called = powerOns(calls);
  const starts: Start[] = [];
  const failures: string[] = [];
  for (const visit of visits) {
    if (visit.status === 'rejected') {
      failures.push(String(visit.reason));
      continue;
    }
    const instanceId = instanceOf(sim, visit.value.name);
    const boot = region.boots.get(instanceId);
    const calledAt = called.get(instanceId) ?? createdAt(sim, instanceId);
    if (!boot?.servingAt) failures.push(`${visit.value.name}: no machine of theirs has booted`);
    else starts.push({ ...visit.value, instanceId, calledAt, agentAt: boot.agentAt, servingAt: boot.servingAt });
  }
  return { starts, failures, calls };
}

/** The hub stops everybody's server; resolves when every machine is stopped. */
export async function leave(people: readonly Person[], hub: CrowdHub, region: Region): Promise<void> {
  await inTurns(people, ({ name }) => hub.ask('DELETE', `users/${encodeURIComponent(name)}/server`));
  const { world, clock } = region.sim;
  const left = () => [...world.instances.values()].filter(({ state }) => state !== 'stopped' && state !== 'terminated');
  for (const end = clock.now() + LEFT_WITHIN_MS; left().length > 0; await clock.sleep(500)) {
    if (clock.now() > end) throw new Error(`still there: ${left().map(({ id, state }) => `${id} ${state}`)}`);
  }
}

/** When each instance was powered on by a call that succeeded. */
function powerOns(calls: readonly Call[]): Map<string, number> {
  const at = new Map<string, number>();
  for (const call of calls) {
    if (call.action !== 'StartInstances' || call.code !== undefined) continue;
    for (const id of (call.params.InstanceIds as string[] | undefined) ?? []) at.set(id, call.at);
  }
  return at;
}

function instanceOf({ world }: Ec2Sim, user: string): string {
  const alive = [...world.instances.values()].filter(
    ({ tags, state }) => tags.get('atrium:user') === user && state !== 'terminated',
  );
  if (alive.length !== 1) throw new Error(`${user} has ${alive.length} machines`);
  return alive[0]?.id ?? '';
}

const createdAt = ({ world }: Ec2Sim, id: string): number => world.instances.get(id)?.createdAt ?? Number.NaN;
