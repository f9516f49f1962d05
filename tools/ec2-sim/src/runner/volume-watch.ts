import type { SimMachine } from '../runner.ts';
import { linkVolumes } from './folders.ts';

/** How often machines look for attached and detached volumes; a device shows up about so fast. */
const EVERY_MS = 100;

/** Keeps the links to volumes of all running machines up to date, with one timer for all of them. */
export class VolumeWatch {
  readonly #machines = new Map<string, { machine: SimMachine; linked: string }>();
  #timer: NodeJS.Timeout | undefined;

  add(machine: SimMachine): void {
    const linked = attached(machine);
    linkVolumes(machine);
    this.#machines.set(machine.instanceId, { machine, linked });
    this.#timer ??= setInterval(() => this.#look(), EVERY_MS).unref();
  }

  remove(instanceId: string): void {
    this.#machines.delete(instanceId);
    if (this.#machines.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const entry of this.#machines.values()) {
      const now = attached(entry.machine);
      if (now === entry.linked) continue;
      try {
        linkVolumes(entry.machine);
        entry.linked = now;
      } catch (error) {
        entry.machine.console(`volumes: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}

const attached = (machine: SimMachine): string =>
  machine
    .volumes()
    .map(({ volumeId }) => volumeId)
    .join();
