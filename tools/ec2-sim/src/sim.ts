import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimAddresses } from './address-block.ts';
import { Buckets } from './buckets.ts';
import { byHand } from './by-hand.ts';
import { Callers } from './callers.ts';
import { CallLog, type Violation } from './calls.ts';
import { type SimClock, scaledClock } from './clock.ts';
import type { CapacityRule } from './ec2/capacity.ts';
import { ec2Service } from './ec2/service.ts';
import { Faults } from './faults.ts';
import { halt } from './machines.ts';
import { PublicDoors } from './public-doors.ts';
import type { InstanceRunner } from './runner.ts';
import { addressOf, listen } from './server.ts';
import { createServices, type Services } from './services/index.ts';
import { createWorld, DEFAULT_DELAYS, type Delays, type World } from './world.ts';

/** A policy as IAM takes it: an object or the JSON of one. */
export type PolicyDocument = string | { Version?: string; Statement: unknown };

export interface Ec2SimOptions {
  /** Default us-east-1. */
  region?: string;
  /** Default the region's zones a and b. */
  zones?: string[];
  /** Default a clock that runs as fast as ours. */
  clock?: SimClock;
  delays?: Partial<Delays>;
  /** Quota code (`L-1216C47A`) to its value. */
  quotas?: Record<string, number>;
  capacity?: CapacityRule[];
  /** Token buckets, with AWS's published sizes. Default true. */
  buckets?: boolean;
  /** Where the folders of volumes live; default a temporary folder, removed at the end. */
  dir?: string;
  /** What a running instance does; default nothing. */
  runner?: InstanceRunner;
  /** When given, every call of a caller without a role of its own is asked of it. */
  policy?: PolicyDocument;
  /**
   * What becomes of requests that the simulator does not know. `fail` (default): the end of the simulator throws, so a test
   * cannot pass by mistake. `note`: they only stand in `violations`.
   */
  unknown?: 'fail' | 'note';
  /** Port on the loopback address; default any free one. */
  port?: number;
  /**
   * Elastic addresses are of 127.79.0.0/16, and their ports 443 and 80 lead to the machine that has them; for who may open
   * such ports. Default false: they lead nowhere.
   */
  publicDoors?: boolean;
}

/** What the parts of the simulator share. */
export interface SimCore {
  options: Ec2SimOptions;
  world: World;
  clock: SimClock;
  calls: CallLog;
  faults: Faults;
  buckets: Buckets;
  callers: Callers;
  violations: Violation[];
  violate(violation: Violation): void;
  runner?: InstanceRunner;
  /** Only where the option asks for them. */
  doors?: PublicDoors;
  /** Boots and halts under way; the end waits for them. */
  background: Set<Promise<void>>;
  /** The other services; EC2 asks them for profiles and parameters. */
  services(): Services;
}

export interface Ec2Sim extends AsyncDisposable {
  /** Base URL of every service. */
  endpoint: string;
  region: string;
  accountId: string;
  /** Environment with which an SDK reaches the simulator as `who`; the call log tells callers apart by that name. */
  env(who?: string): Record<string, string>;
  clock: SimClock;
  calls: CallLog;
  faults: Faults;
  world: World;
  /** What was asked that the simulator does not know. */
  violations: readonly Violation[];
  /** PEM of the certificate that signs identity documents. */
  certificate: string;
  services: Services;
  /** Things that happen without an API call of ours: by console, by AWS. */
  byHand: ReturnType<typeof byHand>;
}

/** Starts an account and region of its own, listening on the loopback address. */
export async function startEc2Sim(options: Ec2SimOptions = {}): Promise<Ec2Sim> {
  const region = options.region ?? 'us-east-1';
  const clock = options.clock ?? scaledClock(1);
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'ec2-sim-'));
  // What runs in machines runs under other accounts, too, and has to get to its folder.
  if (options.runner) chmodSync(dir, 0o711);
  const accountId = '123456789012';
  const block = options.runner && (await claimAddresses());
  const world = createWorld({
    ...(block ? { addressBlock: block } : {}),
    region,
    zones: options.zones ?? [`${region}a`, `${region}b`],
    accountId,
    clock,
    delays: { ...DEFAULT_DELAYS, ...options.delays },
    dir,
    quotas: options.quotas ?? {},
    capacity: options.capacity ?? [],
  });
  const violations: Violation[] = [];
  let services: Services | undefined;
  const core: SimCore = {
    options,
    world,
    clock,
    calls: new CallLog(),
    faults: new Faults(),
    buckets: new Buckets(clock),
    callers: new Callers(accountId),
    violations,
    violate: (violation) => violations.push(violation),
    ...(options.runner ? { runner: options.runner } : {}),
    ...(options.publicDoors ? { doors: new PublicDoors(world) } : {}),
    background: new Set(),
    services: () => services!,
  };
  services = await createServices(core);
  const server = await listen(
    core,
    { ec2: ec2Service(core, options.buckets ?? true), ...services.handlers },
    options.port,
  );
  const endpoint = addressOf(server);

  return {
    endpoint,
    region,
    accountId,
    clock,
    calls: core.calls,
    faults: core.faults,
    world,
    violations,
    certificate: services.certificate,
    services,
    byHand: byHand(core),
    env: (who = 'test') => ({
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      // Older versions of the aws command know only this name.
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: core.callers.keyFor(who),
      AWS_SECRET_ACCESS_KEY: 'the-simulator-checks-no-signature',
      AWS_EC2_METADATA_DISABLED: 'true',
    }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await core.doors?.[Symbol.asyncDispose]();
      await haltAll(core);
      clock.dispose();
      await services[Symbol.asyncDispose]();
      await block?.[Symbol.asyncDispose]();
      if (!options.dir) rmSync(dir, { recursive: true, force: true });
      if (options.unknown !== 'note') failOn(violations);
    },
  };
}

function failOn(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const lines = violations.map(({ kind, caller, action, message }) => `${kind} of ${action} (${caller}): ${message}`);
  throw new Error(`The EC2 simulator was asked for what it does not know:\n${[...new Set(lines)].join('\n')}`);
}

/** Nothing that an instance started may outlive the simulator. */
async function haltAll(core: SimCore): Promise<void> {
  const running = [...core.world.instances.values()].filter(
    ({ state, hibernated }) => state === 'running' || hibernated,
  );
  await Promise.all(running.map((instance) => halt(core, instance, 'force')));
  await Promise.all(core.background);
}
