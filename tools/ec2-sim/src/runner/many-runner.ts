import { parseUserData, writeFiles } from '../cloud-init/index.ts';
import type { Halt, InstanceRunner, SimMachine } from '../runner.ts';
import { adaptAgentConfig, prepareRoot } from './folders.ts';
import { VolumeWatch } from './volume-watch.ts';

/** What runs in one machine. */
export interface Inhabitant {
  /** Ends it. Nothing in this process can be frozen: a machine that hibernates loses its memory here. */
  stop(how: Halt): Promise<void> | void;
}

/**
 * Machines whose software runs in this process, for tests with hundreds of them: files of user data are written, volumes
 * linked, and `factory` starts what lives in the machine. Commands of user data are not run.
 */
export function manyRunner(
  factory: (machine: SimMachine) => Promise<Inhabitant> | Inhabitant,
  options: { clock?: { now(): number } } = {},
): InstanceRunner {
  const inhabitants = new Map<string, Promise<Inhabitant>>();
  const volumes = new VolumeWatch();
  return {
    async boot(machine) {
      prepareRoot(machine.rootDir, (options.clock ?? Date).now());
      if (machine.firstBoot && machine.userData)
        writeFiles(machine.rootDir, parseUserData(machine.userData).files, machine.console);
      adaptAgentConfig(machine.rootDir);
      volumes.add(machine);
      const inhabitant = Promise.resolve(machine).then(factory);
      inhabitants.set(machine.instanceId, inhabitant);
      await inhabitant;
    },
    async halt(machine, how) {
      volumes.remove(machine.instanceId);
      const inhabitant = inhabitants.get(machine.instanceId);
      inhabitants.delete(machine.instanceId);
      await (await inhabitant?.catch(() => undefined))?.stop(how);
    },
  };
}
