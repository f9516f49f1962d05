import { type Ec2Sim, type Ec2SimOptions, manualClock, startEc2Sim } from '@atrium/ec2-sim';
import type { Clock } from '@atrium/sdk';
import { vi } from 'vitest';
import type { z } from 'zod';
import { awsClients } from '../aws/clients.ts';
import { type ClusterConfig, type ClusterConfigSchema, readClusterConfig } from '../config.ts';
import type { Probe } from '../engine/part.ts';
import { httpsProbe } from '../probe.ts';
import type { ClusterInput } from '../scene.ts';
import { type Guard, guarded } from './guard.ts';
import { smallMachines } from './machines.ts';

/** The least that a cluster is configured by. */
export const SMALL = {
  name: 'class',
  source: { npm: '0.1.0' },
  expect: { users: 10 },
  profiles: [{ name: 'small', types: ['t3.medium', 't3a.medium'] }],
} satisfies z.input<typeof ClusterConfigSchema>;

/** A port that anybody may open: real managers answer on 443. */
const PORT = 8443;

export interface RigOptions {
  sim?: Ec2SimOptions;
  config?: Partial<z.input<typeof ClusterConfigSchema>>;
  /** Access key that the command uses; the call log names it. */
  who?: string;
}

/** A simulated account whose time passes only while somebody waits, and what a cluster command is given to work on it. */
export interface ClusterRig extends AsyncDisposable {
  sim: Ec2Sim;
  clock: Clock;
  config: ClusterConfig;
  /** What the command said so far. */
  said: string[];
  probe: Probe;
  /** A command of its own; `more` changes the configuration, `guard` ends it at a call. */
  input(more?: Partial<z.input<typeof ClusterConfigSchema>>, guard?: Guard): ClusterInput;
  /** Simulated time passes. */
  pass(ms: number): Promise<void>;
}

export async function startClusterRig(options: RigOptions = {}): Promise<ClusterRig> {
  const time = manualClock(Date.now());
  const sim = await startEc2Sim({ clock: time, buckets: false, runner: smallMachines(PORT), ...options.sim });
  for (const [name, value] of Object.entries(sim.env(options.who ?? 'operator'))) vi.stubEnv(name, value);
  const said: string[] = [];
  const clock: Clock = {
    now: () => time.now(),
    async sleep(ms) {
      await time.advance(ms);
      // What machines do takes real moments: they have them before simulated minutes are over.
      await new Promise((resolve) => setTimeout(resolve, 2));
    },
  };
  const base = { ...SMALL, ...options.config };
  // Simulated public addresses lead nowhere; the machine that has one is asked at its own.
  const probe: Probe = (target) => {
    const machine = [...sim.world.instances.values()].find(({ publicIp }) => publicIp === target.address);
    if (!machine) return Promise.resolve({ ok: false, reason: 'no machine has this address' });
    return httpsProbe({ ...target, address: `${machine.privateIp}:${PORT}` });
  };
  return {
    sim,
    clock,
    config: readClusterConfig(base),
    said,
    probe,
    input: (more = {}, guard) => ({
      config: readClusterConfig({ ...base, ...more }),
      configText: '// the configuration file',
      say: (text) => said.push(text),
      aws: awsClients(undefined, guard ? guarded(guard) : undefined),
      clock,
      probe,
    }),
    pass: (ms) => time.advance(ms),
    async [Symbol.asyncDispose]() {
      await sim[Symbol.asyncDispose]();
      vi.unstubAllEnvs();
    },
  };
}
