import { randomInt } from 'node:crypto';
import {
  type Ec2Sim,
  type Ec2SimOptions,
  type SimClock,
  type SimMachine,
  scaledClock,
  startEc2Sim,
} from '@atrium/ec2-sim';
import {
  type Clock,
  HubError,
  type Json,
  type Log,
  type Observed,
  Secret,
  type Spawner,
  type SpawnUser,
  type Store,
  type WorkerIo,
  type WorkerServer,
} from '@atrium/sdk';
import { type Attempts, memoryLog, memoryStore, testIo, testServerIo } from '@atrium/sdk/testing';
import { expect, vi } from 'vitest';
import type { z } from 'zod';
import type { Ec2Calls } from '../calls/types.ts';
import { Ec2Config } from '../config.ts';
import { openWorld, spawnerOf } from '../index.ts';
import type { InstanceRecord } from '../records.ts';
import type { Ec2Ref, Ec2Spec } from '../spec.ts';
import type { Ec2World } from '../world.ts';
import { startAgent, type TestAgent } from './agent.ts';

/** Simulated seconds go by this much faster than ours. */
const SPEED = 60;
const PAUSE_MS = 10;

export interface RigOptions {
  sim?: Ec2SimOptions;
  config?: Partial<z.input<typeof Ec2Config>>;
  /** Machines boot and say nothing. */
  silent?: boolean;
  /** What runs in machines instead of the tiny agent. */
  runner?: Ec2SimOptions['runner'];
}

/** One row as a hub would keep it, and what was told about it. */
interface Row {
  id: string;
  generation: number;
  user: SpawnUser;
  spec: Ec2Spec;
  phase: WorkerServer['phase'];
  tokens: string[];
  lines: string[];
}

/** A simulated region, a store that outlives every hub, and hubs on it that may be dropped and made anew. */
export interface Rig extends AsyncDisposable {
  sim: Ec2Sim;
  clock: SimClock;
  store: Store;
  attempts: Attempts;
  log: ReturnType<typeof memoryLog>;
  config: Ec2Config;
  hubId: string;
  rows: Map<string, Row>;
  agents: Map<string, TestAgent>;
  machines: Map<string, SimMachine>;
  /** The hub that machines talk to. */
  hub: Hub;
  /** A hub that knows nothing but what is stored. */
  open(through?: (ec2: Ec2Calls) => Ec2Calls, store?: Store): Promise<Hub>;
  /** The same, by another clock. */
  openAt(clock: Clock): Promise<Hub>;
  /** Instances of a server that could cost money, as the region has them. */
  living(server: string): string[];
  record(server: string): Promise<InstanceRecord | undefined>;
  ask(verb: string, body: Json, peer: string): Promise<Json>;
}

export interface Hub {
  world: Ec2World;
  spawner: Spawner<Ec2Spec, Ec2Ref>;
  /** A start of this server: the next generation of its row. */
  begin(server: string, options?: { user?: string; profile?: string; groups?: string[] }): Row;
  ensure(server: string): Promise<Observed>;
  observe(server: string): Promise<Observed>;
  stop(server: string, force?: boolean): Promise<Observed>;
  /** Steps until the phase is reached; fails on a fault. */
  until(server: string, phase: Observed['phase']): Promise<Observed>;
  /** Stops until it is gone, and settles it. */
  end(server: string): Promise<void>;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const clock = options.sim?.clock ?? scaledClock(SPEED);
  const agents = new Map<string, TestAgent>();
  const machines = new Map<string, SimMachine>();
  let rig: Rig;
  const sim = await startEc2Sim({
    clock,
    runner: options.runner ?? {
      boot(machine) {
        machines.set(machine.instanceId, machine);
        if (options.silent) return;
        agents.set(
          machine.instanceId,
          startAgent(machine, (verb, body, peer) => rig.ask(verb, body, peer), PAUSE_MS),
        );
      },
      async halt(machine) {
        await agents.get(machine.instanceId)?.stop();
        agents.delete(machine.instanceId);
      },
    },
    ...options.sim,
  });
  for (const [name, value] of Object.entries(sim.env('hub'))) vi.stubEnv(name, value);
  const image = [...sim.world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id;
  const config = Ec2Config.parse({
    cluster: { name: 'class', id: 'cluster-1' },
    region: sim.region,
    hubUrl: 'http://127.0.0.1:1/hub/',
    // Simulated regions share the addresses of this machine's loopback.
    port: randomInt(20_000, 60_000),
    subnets: [...sim.world.subnets.values()].map(({ id, zone }) => ({ id, zone })),
    securityGroups: [[...sim.world.groups.keys()][0]!],
    identity: { certificates: [sim.certificate] },
    // A busy test machine is no silent agent: a simulated minute is a second here.
    agent: { deadlineSeconds: 1_800 },
    profiles: [{ id: 'small', title: 'Small', types: ['t3.medium', 't3a.medium'], image: { id: image } }],
    ...options.config,
  });
  const store = memoryStore();
  const rows = new Map<string, Row>();
  const attempts = new Map<string, Json>();
  const log = memoryLog();

  const workerIo = (): WorkerIo => ({
    ...testIo({ clock, log, store }),
    find: async (id) => {
      const row = rows.get(id);
      return row && workerServer(row);
    },
  });

  async function open(through?: (ec2: Ec2Calls) => Ec2Calls, ownStore = store): Promise<Hub> {
    const world = await openWorld(rig.config, { clock, log: log as Log, store: ownStore, hubId: rig.hubId }, through);
    return hubOn(world, spawnerOf(world), rig, ownStore);
  }

  async function openAt(other: Clock): Promise<Hub> {
    const world = await openWorld(rig.config, { clock: other, log: log as Log, store, hubId: rig.hubId });
    return hubOn(world, spawnerOf(world), rig, store);
  }

  rig = {
    openAt,
    sim,
    clock,
    store,
    attempts,
    log,
    config,
    hubId: 'hub-1',
    rows,
    agents,
    machines,
    hub: undefined as unknown as Hub,
    open,
    living: (server) =>
      [...sim.world.instances.values()]
        .filter((one) => one.tags.get('atrium:server') === server && ['pending', 'running'].includes(one.state))
        .map(({ id }) => id),
    record: async (server) => (await store.get(`instance/${server}`)) as InstanceRecord | undefined,
    ask: async (verb, body, peer) => rig.hub.spawner.worker!({ verb, body, peer }, workerIo()),
    async [Symbol.asyncDispose]() {
      await sim[Symbol.asyncDispose]();
      vi.unstubAllEnvs();
    },
  };
  rig.hub = await open();
  return rig;
}

function hubOn(world: Ec2World, spawner: Spawner<Ec2Spec, Ec2Ref>, rig: Rig, store: Store): Hub {
  const { rows, clock, log, attempts } = rig;
  const refOf = (server: string): Ec2Ref => ({ server, generation: rows.get(server)!.generation });
  const io = (server: string) => {
    const { generation, user } = rows.get(server)!;
    return testServerIo({ id: server, generation, user: user.name }, { clock, log, store }, attempts);
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const hub: Hub = {
    world,
    spawner,
    begin(server, { user: name = 'ada', profile, groups = [] } = {}) {
      const bare = { name, admin: false, groups, uid: 1_900_001_001 };
      const user = { ...bare, storage: spawner.nameStorage!(bare) };
      const spec = spawner.resolve(user, profile === undefined ? {} : { profile });
      const generation = (rows.get(server)?.generation ?? 0) + 1;
      const row: Row = { id: server, generation, user, spec, phase: 'starting', tokens: [], lines: [] };
      rows.set(server, row);
      return row;
    },
    ensure: (server) => spawner.ensure(refOf(server), rows.get(server)!.spec, io(server)),
    observe: (server) => spawner.observe(refOf(server), testIo({ clock, log, store })),
    stop: (server, force = false) => spawner.stop(refOf(server), { graceMs: 0, force }, testIo({ clock, log, store })),
    async until(server, phase) {
      for (const end = Date.now() + 30_000; ; await pause()) {
        const seen = await hub.ensure(server);
        if (seen.phase === phase) {
          if (phase === 'running') rows.get(server)!.phase = 'ready';
          return seen;
        }
        if (seen.fault || seen.phase === 'exited' || Date.now() > end) {
          throw new Error(
            `${server} is ${JSON.stringify(seen)}\n${[...rig.agents.values()].map(({ failure }) => failure ?? '').join('\n')}\n${log.lines.map((l) => `${l.message} ${JSON.stringify(l.facts)}`).join('\n')}`,
          );
        }
      }
    },
    async end(server) {
      rows.get(server)!.phase = 'stopping';
      for (const end = Date.now() + 30_000; ; await pause()) {
        const { phase } = await hub.stop(server);
        if (phase === 'absent' || phase === 'exited') break;
        if (Date.now() > end) throw new Error(`${server} does not stop: ${phase}`);
      }
      await spawner.destroy(refOf(server), testIo({ clock, log, store }));
      expect((await hub.observe(server)).phase).toBe('absent');
    },
  };
  return hub;
}

function workerServer(row: Row): WorkerServer {
  const { id, generation, user, spec } = row;
  return {
    id,
    generation,
    user: user.name,
    uid: user.uid,
    name: '',
    prefix: `/user/${encodeURIComponent(user.name)}/`,
    phase: row.phase,
    spec: spec as unknown as Json,
    ref: { server: id, generation },
    attempt: undefined,
    env: { JUPYTERHUB_USER: user.name, JUPYTERHUB_API_URL: 'http://127.0.0.1:1/hub/api' },
    async issueToken() {
      if (row.phase !== 'starting') throw new HubError('not_found', 'This server is not starting.');
      const token = `token-${id}-${generation}-${row.tokens.length + 1}`;
      row.tokens.push(token);
      return new Secret(token);
    },
    progress: async ({ message }) => void row.lines.push(message),
    notice: async ({ message }) => void row.lines.push(message),
    worked: async () => {},
    wake: () => {},
  };
}

/** The rows as a hub's upkeep is given them. */
export function serversOf(rig: Rig) {
  return [...rig.rows.values()].map(({ id, generation, user, spec, phase }) => ({
    id,
    generation,
    user: user.name,
    groups: [],
    name: '',
    phase: phase as 'ready',
    desired: phase === 'stopping' ? ('stopped' as const) : ('running' as const),
    phaseAt: 0,
    spec: spec as never,
    ref: { server: id, generation },
    attempt: undefined,
    storage: user.storage,
  }));
}
