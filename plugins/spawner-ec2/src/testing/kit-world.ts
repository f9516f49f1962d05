import { randomInt } from 'node:crypto';
import { scaledClock, startEc2Sim } from '@atrium/ec2-sim';
import { HubError, type Io, Secret, type ServerIo, type Spawner, type Store, type WorkerServer } from '@atrium/sdk';
import { memoryLog, type SpawnerWorld, testIo } from '@atrium/sdk/testing';
import { vi } from 'vitest';
import type { z } from 'zod';
import { Ec2Config } from '../config.ts';
import { openWorld, spawnerOf } from '../index.ts';
import type { Ec2Ref, Ec2Spec } from '../spec.ts';
import { startAgent, type TestAgent } from './agent.ts';

/** Simulated time goes by so fast that a machine boots in some milliseconds. */
const SPEED = 1_000;
const PAUSE_MS = 2;

interface KitRow {
  io: ServerIo;
  spec: Ec2Spec;
  ref: Ec2Ref;
  phase: WorkerServer['phase'];
  tokens: number;
}

/** A simulated region whose machines answer, for the tests that every spawner must pass. */
export async function kitWorld(options: Partial<z.input<typeof Ec2Config>> = {}): Promise<SpawnerWorld> {
  const clock = scaledClock(SPEED);
  const agents = new Map<string, TestAgent>();
  const rows = new Map<string, KitRow>();
  const doors = new Map<string, { spawner: Spawner<Ec2Spec, Ec2Ref>; store: Store }>();
  const log = memoryLog();

  const sim = await startEc2Sim({
    clock,
    runner: {
      boot(machine) {
        agents.set(
          machine.instanceId,
          startAgent(
            machine,
            async (verb, body, peer) => {
              const { spawner, store } = doors.get(hubOf(machine.instanceId))!;
              const io = {
                ...testIo({ clock, log, store }),
                find: async (id: string) => found(hubOf(machine.instanceId), id),
              };
              return spawner.worker!({ verb, body, peer }, io);
            },
            PAUSE_MS,
          ),
        );
      },
      async halt(machine) {
        await agents.get(machine.instanceId)?.stop();
        agents.delete(machine.instanceId);
      },
    },
  });
  for (const [name, value] of Object.entries(sim.env('hub'))) vi.stubEnv(name, value);
  const image = [...sim.world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id;
  const tagOf = (instanceId: string, tag: string) => sim.world.instances.get(instanceId)?.tags.get(tag);
  const hubOf = (instanceId: string) => tagOf(instanceId, 'atrium:cluster-id') ?? '';
  const found = (hubId: string, server: string) => {
    const row = rows.get(`${hubId} ${server}`);
    return row && workerServer(row);
  };

  const port = randomInt(20_000, 60_000);
  const configFor = () =>
    Ec2Config.parse({
      cluster: { name: 'class' },
      region: sim.region,
      hubUrl: 'http://127.0.0.1:1/hub/',
      // Simulated regions share the addresses of this machine's loopback.
      port,
      subnets: [...sim.world.subnets.values()].map(({ id, zone }) => ({ id, zone })),
      securityGroups: [[...sim.world.groups.keys()][0]!],
      identity: { certificates: [sim.certificate] },
      // A pause of the kit is many simulated seconds: nobody's machine is silent for too long here.
      agent: { deadlineSeconds: 36_000 },
      profiles: [{ id: 'small', title: 'Small', types: ['t3.medium', 't3a.medium'], image: { id: image } }],
      ...options,
    });

  return {
    async open({ hubId, store: shared, guard }) {
      // The kit ends what it begins; what it leaves stopped would only fill the subnet.
      for (const { id, state } of sim.world.instances.values()) if (state === 'stopped') sim.byHand.terminate(id);
      const store = storeOf(hubId, shared);
      const parts = { clock, log, hubId };
      const spawner = spawnerOf(await openWorld(configFor(), { ...parts, store }, guard));
      const probe = {};
      if (guard(probe) === probe || !doors.has(hubId)) {
        doors.set(hubId, { spawner: spawnerOf(await openWorld(configFor(), { ...parts, store })), store });
      }
      return asHub(spawner, hubId, rows) as unknown as Spawner;
    },
    // Which start a machine runs for is what its agent was told, not what its tags say of an earlier one.
    living: async (server, generation, hubId) =>
      [...sim.world.instances.values()].filter(({ id, state, tags }) => {
        if (state !== 'pending' && state !== 'running') return false;
        if (tags.get('atrium:server') !== server || hubOf(id) !== hubId) return false;
        const told = agents.get(id)?.answers.at(-1)?.server as { generation: number } | undefined;
        return (told?.generation ?? Number(tags.get('atrium:gen'))) === generation;
      }).length,
    async [Symbol.asyncDispose]() {
      await sim[Symbol.asyncDispose]();
      vi.unstubAllEnvs();
      if (sim.violations.length > 0) throw new Error(sim.violations.join('\n'));
    },
  };
}

/** Two hubs have two databases; the kit has one store for all. */
function storeOf(hubId: string, store: Store): Store {
  const of = (key: string) => `${hubId}:${key}`;
  return {
    get: (key) => store.get(of(key)),
    put: (key, value) => store.put(of(key), value),
    delete: (key) => store.delete(of(key)),
    claim: (key, value) => store.claim(of(key), value),
    swap: (key, seen, value) => store.swap(of(key), seen, value),
    entries: async (prefix) =>
      (await store.entries(of(prefix))).map(([key, value]) => [key.slice(hubId.length + 1), value] as const),
  };
}

/** Keeps the row that a hub would have, which machines are answered from. */
function asHub(spawner: Spawner<Ec2Spec, Ec2Ref>, hubId: string, rows: Map<string, KitRow>): Spawner<Ec2Spec, Ec2Ref> {
  const inside = <T extends Io>(io: T): T => ({ ...io, store: storeOf(hubId, io.store) });
  const keyOf = ({ server }: Ec2Ref) => `${hubId} ${server}`;
  const settle = (ref: Ec2Ref, phase: KitRow['phase']) => {
    const row = rows.get(keyOf(ref));
    if (row?.ref.generation === ref.generation) row.phase = phase;
  };
  return {
    ...spawner,
    async ensure(ref, spec, io) {
      const row = rows.get(keyOf(ref));
      if (!row || row.ref.generation < ref.generation) {
        rows.set(keyOf(ref), { io, spec, ref, phase: 'starting', tokens: 0 });
      }
      const seen = await spawner.ensure(ref, spec, inside(io));
      if (seen.phase === 'running') settle(ref, 'ready');
      return seen;
    },
    stop(ref, how, io) {
      settle(ref, 'stopping');
      return spawner.stop(ref, how, inside(io));
    },
    observe: (ref, io) => spawner.observe(ref, inside(io)),
    destroy: (ref, io) => spawner.destroy(ref, inside(io)),
    list: (io) => spawner.list(inside(io)),
    logs: (ref, lines, io) => spawner.logs!(ref, lines, inside(io)),
  };
}

function workerServer(row: KitRow): WorkerServer {
  const { io, spec, ref, phase } = row;
  return {
    id: ref.server,
    generation: ref.generation,
    user: io.server.user,
    uid: 1_900_001_001,
    name: io.server.name,
    prefix: io.server.prefix,
    phase,
    spec,
    ref,
    attempt: io.attempt,
    env: io.env,
    async issueToken() {
      if (row.phase !== 'starting') throw new HubError('not_found', 'This server is not starting.');
      row.tokens += 1;
      return new Secret(`token-${ref.server}-${ref.generation}-${row.tokens}`);
    },
    progress: async () => {},
    notice: async () => {},
    worked: async () => {},
    wake: () => {},
  };
}
