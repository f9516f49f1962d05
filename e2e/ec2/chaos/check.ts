import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Person } from './people.ts';
import { lookInto, type Region } from './region.ts';

/** Something that must never be. */
export interface Wrong {
  kind: 'duplicate' | 'lost home' | 'orphan' | 'foreign' | 'inconsistent' | 'violation' | 'locked out';
  what: string;
}

interface Row {
  id: string;
  user: string;
  phase: 'stopped' | 'queued' | 'starting' | 'ready' | 'stopping';
  desired: 'running' | 'stopped';
  generation: number;
  address: string | null;
}

interface Record {
  instanceId: string | null;
  generation: number;
}

interface Home {
  storage: string;
  volumeId: string | null;
  trash: string[];
}

const GONE = ['terminated', 'shutting-down'];
const LIVE = ['pending', 'running'];

/** Machines of which one person's server has two at this very moment. */
export function doubles({ sim }: Region, states: readonly string[] = LIVE): string[] {
  const byServer = Map.groupBy(
    [...sim.world.instances.values()].filter(({ state, tags }) => states.includes(state) && tags.has('atrium:server')),
    ({ tags }) => tags.get('atrium:server')!,
  );
  return [...byServer]
    .filter(([, machines]) => machines.length > 1)
    .map(([server, machines]) => `${server}: ${machines.map(({ id, state }) => `${id} (${state})`).join(', ')}`);
}

/** Everything that region, database and homes tell, compared; empty when all is well and nothing is under way. */
export function compare(region: Region, dataDir: string, cluster: string, people: readonly Person[]): Wrong[] {
  using db = new DatabaseSync(join(dataDir, 'hub.sqlite'), { readOnly: true });
  const rows = db
    .prepare(
      'select s.id, u.name as user, s.phase, s.desired, s.generation, s.address from servers s join users u on u.id = s.user_id',
    )
    .all() as unknown as Row[]; // the columns that the statement names
  const store = new Map(
    (
      db.prepare("select key, value from plugin_store where plugin = 'spawner-ec2'").all() as {
        key: string;
        value: string;
      }[]
    ).map(({ key, value }) => [key, JSON.parse(value) as unknown]),
  );
  const wrong: Wrong[] = [];
  const say = (kind: Wrong['kind'], what: string) => wrong.push({ kind, what });

  for (const what of doubles(region, ['pending', 'running', 'stopping', 'stopped'])) say('duplicate', what);
  checkServers(region, rows, store, say);
  checkMachines(region, rows, store, cluster, say);
  checkVolumes(region, store, cluster, say);
  for (const person of people) checkHome(region, person, say);
  for (const { action, message } of region.sim.violations) say('violation', `${action}: ${message}`);
  return wrong;
}

type Say = (kind: Wrong['kind'], what: string) => void;

function checkServers({ sim }: Region, rows: Row[], store: Map<string, unknown>, say: Say): void {
  for (const { id, user, phase, desired, generation, address } of rows) {
    const record = store.get(`instance/${id}`) as Record | undefined;
    const machine = record?.instanceId ? sim.world.instances.get(record.instanceId) : undefined;
    const told = `${user} (${id}.${generation}, ${phase})`;
    if (phase === 'ready' && desired === 'running') {
      if (machine?.state !== 'running') say('inconsistent', `${told} has ${machine?.state ?? 'no machine'}`);
      else if (machine.tags.get('atrium:server') !== id)
        say('inconsistent', `${told}: the tags of ${machine.id} name another`);
      else if (!address?.includes(machine.privateIp)) say('inconsistent', `${told} is not at ${machine.privateIp}`);
      if (record?.generation !== generation) say('inconsistent', `${told}: the record is of ${record?.generation}`);
    } else if (phase === 'stopped') {
      if (machine && LIVE.includes(machine.state)) say('orphan', `${told}: ${machine.id} is ${machine.state}`);
    } else say('inconsistent', `${told}, ${desired} is wanted: not settled`);
  }
}

function checkMachines({ sim }: Region, rows: Row[], store: Map<string, unknown>, cluster: string, say: Say): void {
  const known = new Set(rows.map(({ id }) => (store.get(`instance/${id}`) as Record | undefined)?.instanceId));
  for (const { id, state, tags } of sim.world.instances.values()) {
    if (tags.get('atrium:cluster-id') !== cluster || GONE.includes(state)) continue;
    if (!known.has(id)) say('orphan', `machine ${id} (${state}) of ${tags.get('atrium:user')}, which no record names`);
  }
}

function checkVolumes({ sim }: Region, store: Map<string, unknown>, cluster: string, say: Say): void {
  const homes = [...store].filter(([key]) => key.startsWith('home/')).map(([, home]) => home as Home);
  const named = new Set(homes.flatMap(({ volumeId, trash }) => [volumeId, ...trash]));
  const byStorage = new Map<string, string>();
  for (const { id, tags, state, attachment } of sim.world.volumes.values()) {
    if (state === 'deleting') continue;
    if (tags.get('atrium:role') === 'home' && tags.get('atrium:cluster-id') === cluster) {
      const storage = tags.get('atrium:storage') ?? '';
      if (!named.has(id)) say('orphan', `home volume ${id} of ${storage}, which no row names`);
      const other = byStorage.get(storage);
      if (other) say('duplicate', `home volumes of ${storage}: ${other} and ${id}`);
      byStorage.set(storage, id);
    } else if (!attachment && tags.get('atrium:cluster-id') === cluster) {
      say('orphan', `volume ${id} (${tags.get('atrium:role')}) without a machine`);
    }
  }
  for (const { storage, volumeId } of homes) {
    if (volumeId && !sim.world.volumes.has(volumeId)) say('lost home', `${storage}: its volume ${volumeId} is gone`);
  }
}

function checkHome(region: Region, { name, belongings, machine }: Person, say: Say): void {
  if (!belongings) return;
  const now = lookInto(region, belongings.volumeId);
  if (now.work !== belongings.work || now.fileSystem !== belongings.fileSystem) {
    say('lost home', `${name}: ${JSON.stringify(belongings)} is now ${JSON.stringify(now)}`);
  }
  const running = machine();
  if (running?.state !== 'running') return;
  const holder = region.sim.world.volumes.get(belongings.volumeId)?.attachment?.instanceId;
  if (holder !== running.id)
    say('inconsistent', `${name}: the home is on ${holder ?? 'nothing'}, not on ${running.id}`);
}
