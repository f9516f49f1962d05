import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type Launch, launchChild, parseConfig, runAgent } from '@atrium/agent';
import { type Ec2Sim, type SimMachine, scaledClock, startEc2Sim } from '@atrium/ec2-sim';
import type { Log } from '@atrium/sdk';
import { manyRunner } from '../../../tools/ec2-sim/src/runner/many-runner.ts';

export interface RegionOptions {
  /** Simulated ms per real one. */
  speed: number;
  /** What an operating system takes from power-on to the agent, ms: anything between the two, as real ones differ. */
  bootMs: readonly [number, number];
  /** People whose machines run the command that the hub names, and not a tiny server. */
  real: ReadonlySet<string>;
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
}

export async function startRegion({ speed, bootMs, real, delays = {} }: RegionOptions): Promise<Region> {
  const clock = scaledClock(speed);
  const boots = new Map<string, Boot>();
  const complaints: string[] = [];
  let running = 0;

  const complain = (facts: object, message: string) => void complaints.push(`${message} ${JSON.stringify(facts)}`);
  const log: Log = { debug() {}, info() {}, warn: complain, error: complain };

  const inhabit = (machine: SimMachine) => {
    const plug = new AbortController();
    const live = async () => {
      await clock.sleep(bootMs[0] + Math.random() * (bootMs[1] - bootMs[0]), plug.signal);
      const boot: Boot = { instanceId: machine.instanceId, agentAt: clock.now() };
      boots.set(machine.instanceId, boot);
      const file = join(machine.rootDir, 'etc/atrium/agent.json');
      const config = parseConfig({ ...JSON.parse(readFileSync(file, 'utf8')), imds: machine.imds });
      const launch: Launch = async (spec) => {
        const server = real.has(spec.env.JUPYTERHUB_USER ?? '') ? await launchChild(spec) : await launchTiny(spec);
        boot.servingAt = clock.now();
        return server;
      };
      running += 1;
      try {
        await runAgent(config, { clock, log, signal: plug.signal, powerOff: () => machine.powerOff(), launch });
      } finally {
        running -= 1;
      }
    };
    const life = live().catch((error: Error) => {
      if (!plug.signal.aborted) machine.console(`the agent ended: ${error.stack ?? error.message}`);
    });
    return {
      async stop() {
        plug.abort();
        await life;
      },
    };
  };

  const sim = await startEc2Sim({ clock, delays, runner: manyRunner(inhabit, { clock }) });
  return {
    sim,
    boots,
    complaints,
    agents: () => running,
    [Symbol.asyncDispose]: () => sim[Symbol.asyncDispose](),
  };
}

/** A notebook server that nobody has opened: answers as Jupyter does, and has no kernels. */
const launchTiny: Launch = async ({ env }) => {
  const { hostname, port } = new URL(env.JUPYTERHUB_SERVICE_URL ?? '');
  const { promise: ended, resolve: end } = Promise.withResolvers<{ code: number | null; log: string }>();
  const server = createServer((request, response) => response.end(request.url?.endsWith('/api') ? '{}' : '[]'));
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
};
