import type { InstanceRunner, SimMachine } from '../runner.ts';
import { ProcessMachine } from './process-machine.ts';
import type { NpmStandIn } from './stand-ins.ts';
import { VolumeWatch } from './volume-watch.ts';

export interface ProcessRunnerOptions {
  /** Added to the environment of everything that runs in machines. */
  env?: Readonly<Record<string, string>>;
  /** What programs get to end by themselves when their machine is stopped. Default 3000 ms. */
  graceMs?: number;
  /** Folder of a Python environment with the notebook stack, for images that install one. */
  python?: string;
  /** Where machines' npm finds what it installs; without it, npm is this computer's own. */
  npm?: NpmStandIn;
}

/**
 * Machines whose software really runs, as processes of this computer: user data is carried out at the first boot, enabled
 * units are started, their timers run, all with the machine's root folder in the place of `/` and on the machine's own
 * address. Inside, time is real time.
 */
export function processRunner(options: ProcessRunnerOptions = {}): InstanceRunner {
  const machines = new Map<string, ProcessMachine>();
  const volumes = new VolumeWatch();
  return {
    async boot(machine: SimMachine) {
      const frozen = machines.get(machine.instanceId);
      volumes.add(machine);
      if (frozen && machine.resumes) return frozen.thaw();
      await frozen?.halt(true);
      const inside = new ProcessMachine(machine, { env: {}, graceMs: 3000, ...options });
      machines.set(machine.instanceId, inside);
      await inside.boot();
    },
    async halt({ instanceId }, how) {
      const inside = machines.get(instanceId);
      volumes.remove(instanceId);
      if (how === 'hibernate') return inside?.freeze();
      machines.delete(instanceId);
      await inside?.halt(how === 'force');
    },
  };
}
