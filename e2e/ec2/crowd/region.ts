import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type Launch, launchChild, parseConfig, type RunningServer, runAgent } from '@atrium/agent';
import { type Ec2Sim, type SimClock, type SimMachine, scaledClock, startEc2Sim } from '@atrium/ec2-sim';
import type { Log } from '@atrium/sdk';
import { manyRunner } from '../../../tools/ec2-sim/src/runner/many-runner.ts';
import { guard } from './guard.ts';

export interface RegionOptions {
  /** Without it, time runs as fast as ours. */
  clock?: SimClock;
  /** What an operating system takes from power-on to the agent, ms: anything between the two, as real ones differ. */
  bootMs: readonly [number, number];
  /** People whose machines run the command that the hub names, and not a tiny server. */
  real: ReadonlySet<string>;
  /** People in whose machines a cell runs, and does not end. */
  busy?: ReadonlySet<string>;
  /** The machines' watchdog runs, too: a shell script per machine and 45 seconds. */
  guarded?: boolean;
  /** Where EC2's own delays differ from the simulator's. */
  delays?: { pendingMs?: number; stoppingMs?: number };
}

/** When things happened in one machine since it was last powered on; ms of the region's clock. */
export interface Boot {
  instanceId: string;
  /** The agent's first instruction: power-on, kernel and services are behind it. */
  agentAt: number;
  /** The notebook server listens. */
  servingAt?: number;
  /** It switched itself off. */
  offAt?: number;
}

/** A simulated region whose machines run the real agent, all in this process. */
export interface Region extends AsyncDisposable {
  sim: Ec2Sim;
  /** The last boot of each instance. */
  boots: ReadonlyMap<string, Boot>;
  /** What agents warned of, newest last. */
  complaints: readonly string[];
  /** Agents that run now. */
  agents(): number;
  /** The agent of a machine ends as if it had been killed; the machine stays on. */
  killAgent(instanceId: string): void;
}

export async function startRegion({
  clock = scaledClock(1),
  bootMs,
  real,
  busy = new Set(),
  guarded = false,
  delays = {},
}: RegionOptions): Promise<Region> {
  const agents = new Map<string, AbortController>();
  const boots = new Map<string, Boot>();
  const complaints: string[] = [];
  let running = 0;

  const complain = (facts: object, message: string) => void complaints.push(`${message} ${JSON.stringify(facts)}`);
  const log: Log = { debug() {}, info() {}, warn: complain, error: complain };

  const inhabit = (machine: SimMachine) => {
    const plug = new AbortController();
    const agent = new AbortController();
    agents.set(machine.instanceId, agent);
    const powerOff = async () => {
      const boot = boots.get(machine.instanceId);
      if (boot) boot.offAt ??= clock.now();
      await machine.powerOff();
    };
    const live = async () => {
      await clock.sleep(bootMs[0] + Math.random() * (bootMs[1] - bootMs[0]), plug.signal);
      const boot: Boot = { instanceId: machine.instanceId, agentAt: clock.now() };
      boots.set(machine.instanceId, boot);
      const file = join(machine.rootDir, 'etc/atrium/agent.json');
      const config = parseConfig({ ...JSON.parse(readFileSync(file, 'utf8')), imds: machine.imds });
      const launch: Launch = async (spec) => {
        const user = spec.env.JUPYTERHUB_USER ?? '';
        const server = real.has(user) ? await launchChild(spec) : await launchTiny(spec, busy.has(user));
        boot.servingAt = clock.now();
        return server;
      };
      running += 1;
      try {
        await runAgent(config, { clock, log, signal: AbortSignal.any([plug.signal, agent.signal]), powerOff, launch });
      } finally {
        running -= 1;
      }
    };
    const survive = (error: Error) => {
      if (!plug.signal.aborted) machine.console(`it ended: ${error.stack ?? error.message}`);
    };
    const life = live().catch(survive);
    const watched = guarded ? guard({ ...machine, powerOff }, clock, plug.signal).catch(survive) : undefined;
    return {
      async stop() {
        plug.abort();
        await Promise.all([life, watched]);
      },
    };
  };

  const sim = await startEc2Sim({ clock, delays, runner: manyRunner(inhabit, { clock }) });
  return {
    sim,
    boots,
    complaints,
    agents: () => running,
    killAgent: (id) => agents.get(id)?.abort(),
    [Symbol.asyncDispose]: () => sim[Symbol.asyncDispose](),
  };
}

/** A notebook server that answers as Jupyter does: nobody has opened it, or a cell of it runs. */
async function launchTiny({ env }: Parameters<Launch>[0], busy: boolean): Promise<RunningServer> {
  const kernels = JSON.stringify(
    busy ? [{ id: 'k', execution_state: 'busy', last_activity: '2026-01-01T00:00:00Z' }] : [],
  );
  const { hostname, port } = new URL(env.JUPYTERHUB_SERVICE_URL ?? '');
  const { promise: ended, resolve: end } = Promise.withResolvers<{ code: number | null; log: string }>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://machine');
    response.end(pathname.endsWith('/api') ? '{}' : pathname.endsWith('/kernels') ? kernels : '[]');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(Number(port), hostname, resolve);
  });
  return {
    ended,
    stop() {
      server.closeAllConnections();
      server.close(() => end({ code: 0, log: '' }));
    },
  };
}
