import type { Address, AppliedReport } from '@atrium/sdk';
import { openControl } from './control.ts';

const PATIENCE_MS = 5_000;

/** Tells the hub how far this proxy is with the routes: one report at a time, and the newest version in the next one. */
export class Applied {
  readonly #control: Address;
  readonly #proxy: string;
  readonly #signal: AbortSignal;
  #version: number | undefined;
  #told: number | undefined;
  #telling = false;
  /** How many have begun. */
  #streams = 0;

  /** @param proxy the name under which it follows the stream */
  constructor(control: Address, proxy: string, signal: AbortSignal) {
    this.#control = control;
    this.#proxy = proxy;
    this.#signal = signal;
  }

  /** A stream has begun: its hub may be another one, and knows nothing. */
  forget(): void {
    this.#told = undefined;
    this.#streams += 1;
  }

  /** The table is of `version` now. What did not arrive is said again at the next call, which a ping is, too. */
  note(version: number | undefined): void {
    this.#version = version;
    if (!this.#telling && this.#due) void this.#tell();
  }

  get #due(): boolean {
    return this.#version !== undefined && this.#version !== this.#told;
  }

  async #tell(): Promise<void> {
    this.#telling = true;
    const streams = this.#streams;
    try {
      while (this.#due && !this.#signal.aborted) {
        const version = this.#version!;
        this.#told = version;
        const report: AppliedReport = { proxy: this.#proxy, version };
        const within = AbortSignal.any([this.#signal, AbortSignal.timeout(PATIENCE_MS)]);
        (await openControl(this.#control, 'POST', '/routes/applied', JSON.stringify(report), within)).resume();
      }
    } catch {
      // The hub waits a second at most; where it is gone, the next stream says what this proxy has.
      this.#told = undefined;
    } finally {
      this.#telling = false;
      // What was being said was for the hub of before.
      if (this.#streams !== streams && this.#due && !this.#signal.aborted) void this.#tell();
    }
  }
}
