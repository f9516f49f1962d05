import type { ProxyContext } from './context.ts';

/** How long one request waits for a hub that is gone, and its place in the queue of those that do. */
export class HubWait {
  readonly #context: ProxyContext;
  /** Ms since the epoch. */
  readonly #since: number;
  #leaveGate: (() => void) | undefined;

  /** @param since when there was no hub for it for the first time */
  constructor(context: ProxyContext, since: number) {
    this.#context = context;
    this.#since = since;
  }

  /** Calls `go` once a hub accepts connections. Returns how long it may take, ms; 0 when the time is over, and nobody waits. */
  wait(go: () => void): number {
    const { clock, hub } = this.#context;
    const left = this.#since + hub!.waitMs - clock.now();
    if (left <= 0) return 0;
    this.#leaveGate = hub!.gate.wait(() => {
      this.#leaveGate = undefined;
      go();
    });
    return left;
  }

  leave(): void {
    this.#leaveGate?.();
  }
}
