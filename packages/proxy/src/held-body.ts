import type { ClientReads } from './client-reads.ts';

/** Held of a body while there is no connection yet; then the client waits. */
const MAX_EARLY = 256 * 1024;
/** Held of what the hub was sent, to send it again when that hub was killed over it: a form, not a file. */
const MAX_REPEAT = 16 * 1024;

/** What is held of one request's body: what came before there was a connection, and what the hub may have to get again. */
export class HeldBody {
  readonly #reads: ClientReads;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  /** What the server got or will get; undefined when that is too much to send again, or never is. */
  #sent: Buffer[] | undefined;
  #sentBytes = 0;

  /** @param repeats it may have to be sent again */
  constructor(reads: ClientReads, repeats: boolean) {
    this.#reads = reads;
    this.#sent = repeats ? [] : undefined;
  }

  /** Notes what is sent, or held until it can be. */
  note(bytes: Buffer): void {
    this.#sentBytes += bytes.length;
    if (this.#sentBytes > MAX_REPEAT) this.#sent = undefined;
    else this.#sent?.push(this.#reads.keep(bytes));
  }

  /** Holds what cannot be sent yet. False when that is enough, and the client has to wait. */
  hold(bytes: Buffer): boolean {
    this.#early.push(this.#reads.keep(bytes));
    this.#earlyBytes += bytes.length;
    return this.#earlyBytes <= MAX_EARLY;
  }

  /** What was held until there was a connection, to be sent now. */
  release(): readonly Buffer[] {
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    return early;
  }

  /** Everything that was sent is to be sent again. False when it is not there any more. */
  rewind(): boolean {
    if (!this.#sent) return false;
    this.#early = [...this.#sent];
    this.#earlyBytes = this.#sentBytes;
    return true;
  }
}
