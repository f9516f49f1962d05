import { type Ec2Sim, type ManualClock, manualClock, startEc2Sim } from '@atrium/ec2-sim';
import type { Io, Json, MaintainIo, MaintainServer, Store } from '@atrium/sdk';
import { type Doom, memoryLog, memoryStore } from '@atrium/sdk/testing';
import type { Ec2Instance } from '../calls/types.ts';
import { Ec2Config } from '../config.ts';
import { openWorld } from '../index.ts';
import { type InstanceRecord, machineKey, recordKey } from '../records.ts';
import { TAG, tagsOf } from '../tags.ts';
import type { Ec2World } from '../world.ts';

export const CLUSTER_ID = 'c0ffee00-0000-4000-8000-000000000001';
export const DAY_MS = 86_400_000;

type Input = Record<string, unknown>;

/** A simulated account, and any number of hubs that share one database in it. */
export interface TestWorld extends AsyncDisposable {
  sim: Ec2Sim;
  clock: ManualClock;
  store: Store;
  log: ReturnType<typeof memoryLog>;
  /** A hub's parts; with `doom`, one that is killed at some call. */
  hub(doom?: Doom): Promise<Ec2World>;
  /** Lets simulated time pass until it settles. */
  run<T>(work: Promise<T>, stepMs?: number): Promise<T>;
  /** The same until `probe` answers something. */
  until<T>(probe: () => Promise<T | undefined | false>, what: string, stepMs?: number): Promise<T>;
  io(): Io;
  upkeep(servers: readonly MaintainServer[], more?: Partial<MaintainIo>): MaintainIo;
  /** A machine as a start makes it. */
  machine(world: Ec2World, tags?: Record<string, string>, zone?: string): Promise<Ec2Instance>;
}

export async function startTestWorld(
  input: Input = {},
  sim: Parameters<typeof startEc2Sim>[0] = {},
): Promise<TestWorld> {
  const clock = manualClock();
  const account = await startEc2Sim({ clock, ...sim });
  for (const [name, value] of Object.entries(account.env('manager'))) process.env[name] = value;
  const store = memoryStore();
  const log = memoryLog();
  const subnets = [...account.world.subnets.values()].map(({ id, zone }) => ({ id, zone }));
  const image = [...account.world.images.values()].find((one) => one.public && one.architecture === 'x86_64');
  const group = [...account.world.groups.values()][0];
  const config = Ec2Config.parse({
    cluster: { name: 'biology', id: CLUSTER_ID },
    hubUrl: 'https://10.0.0.10/hub/',
    subnets,
    securityGroups: [group?.id],
    profiles: [{ id: 'small', title: 'Small', types: ['t3.medium', 't3a.medium'], image: { id: image?.id } }],
    ...input,
  });
  let n = 0;

  const run = async <T>(work: Promise<T>, stepMs = 100): Promise<T> => {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    ended.catch(() => undefined);
    while (!done) {
      // Answers come over a real socket: time may not run away from them.
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!done) await clock.advance(stepMs);
    }
    return ended;
  };
  return {
    sim: account,
    clock,
    store,
    log,
    async hub(doom) {
      const world = await openWorld(config, {
        hubId: 'test-hub',
        clock,
        log,
        store: doom ? doom.guard(store) : store,
      });
      return doom ? { ...world, ec2: doom.guard(world.ec2) } : world;
    },
    run,
    async until(probe, what, stepMs = 500) {
      for (let tries = 0; tries < 400; tries += 1) {
        const found = await run(probe());
        if (found) return found;
        await clock.advance(stepMs);
      }
      throw new Error(`never came true: ${what}`);
    },
    io: () => ({ clock, log, store, signal: new AbortController().signal }),
    upkeep: (servers, more = {}) => ({
      clock,
      log,
      store,
      signal: new AbortController().signal,
      dryRun: false,
      wantedSpares: {},
      servers: async () => servers,
      ...more,
    }),
    async machine(world, tags = {}, zone = subnets[0]?.zone) {
      n += 1;
      const [made] = await world.ec2.runInstances({
        token: `test-machine-${n}`,
        type: 't3.medium',
        subnetId: subnets.find((one) => one.zone === zone)?.id ?? '',
        market: 'on-demand',
        imageId: image?.id ?? '',
        securityGroups: [group?.id ?? ''],
        hibernate: false,
        tags: tagsOf(world.cluster, 'worker', tags),
      });
      if (!made) throw new Error('no instance was made');
      await clock.advance(10_000);
      return made;
    },
    async [Symbol.asyncDispose]() {
      await account[Symbol.asyncDispose]();
    },
  };
}

/** A server's row as the hub shows it to upkeep. */
export function serverRow(values: Partial<MaintainServer> & { id: string }): MaintainServer {
  return {
    generation: 1,
    user: 'ada',
    groups: [],
    name: '',
    phase: 'stopped',
    desired: 'stopped',
    phaseAt: 0,
    spec: undefined,
    ref: { server: values.id, generation: values.generation ?? 1 },
    attempt: undefined,
    storage: undefined,
    ...values,
  };
}

/** Home volumes of one storage that the account holds. */
export function homesOf(sim: Ec2Sim, storage: string) {
  return [...sim.world.volumes.values()].filter(
    ({ tags, state }) => tags.get(TAG.storage) === storage && tags.get(TAG.role) === 'home' && state !== 'deleting',
  );
}

/** The record of a machine as a start leaves it. */
export async function trackMachine(
  t: Pick<TestWorld, 'store' | 'clock'>,
  server: string,
  machine: Pick<Ec2Instance, 'id' | 'type' | 'zone'>,
  values: Partial<InstanceRecord> = {},
): Promise<InstanceRecord> {
  const record: InstanceRecord = {
    cluster: CLUSTER_ID,
    server,
    generation: 1,
    user: 'ada',
    storage: 'home-ada',
    profile: 'small',
    onIdle: 'stop',
    attempts: 1,
    attempt: null,
    instanceId: machine.id,
    type: machine.type,
    zone: machine.zone,
    market: 'on-demand',
    imageId: null,
    homeVolume: null,
    attached: true,
    startedAt: t.clock.now(),
    runningAt: t.clock.now(),
    privateIp: null,
    released: 0,
    deaths: 0,
    cures: 0,
    curedAt: t.clock.now(),
    stale: false,
    ...values,
  };
  await t.store.put(recordKey(server), record as Json);
  await t.store.put(machineKey(machine.id), { server });
  return record;
}
