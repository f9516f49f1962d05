import { connect } from 'node:net';
import type { Address, Clock } from '@atrium/sdk';

const PROBE_EVERY_MS = 100;

/**
 * Where requests for the hub wait while it restarts. One probe asks for all of them, so that a thousand waiting requests
 * do not knock at the door of a hub that is just getting up.
 */
export class HubGate {
  readonly #address: Address;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  /** Unset in the same step that finds nobody waiting, so that nobody waits for a probe that is over. */
  #probing: Promise<void> | undefined;

  constructor(address: Address, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  /** Calls `go` once a hub accepts connections. Returns how to give up waiting. */
  wait(go: () => void): () => void {
    this.#waiting.add(go);
    this.#probing ??= this.#probe();
    return () => this.#waiting.delete(go);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#waiting.clear();
    await this.#probing;
  }

  async #probe(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#stop.signal.aborted) {
      await this.#clock.sleep(PROBE_EVERY_MS, this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted || this.#waiting.size === 0) continue;
      if (!(await accepts(this.#address))) continue;
      const all = [...this.#waiting];
      this.#waiting.clear();
      for (const go of all) go();
    }
    this.#probing = undefined;
  }
}

function accepts(address: Address): Promise<boolean> {
  const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve) => {
    const probe = connect({ ...where, timeout: 1_000 });
    const say = (yes: boolean) => () => {
      probe.destroy();
      resolve(yes);
    };
    probe.on('connect', say(true)).on('error', say(false)).on('timeout', say(false));
  });
}
