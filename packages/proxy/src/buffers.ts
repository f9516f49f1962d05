import type { Writable } from 'node:stream';

/** Largest read from a server. */
const READ_BYTES = 64 * 1024;
/** Up to this, Node has a pool of its own. */
const SMALL_BYTES = 4096;
/** Kept for the next large writes: 2 MiB. */
const MOST_FREE = 32;

/**
 * Writes, and says whether the writer may go on. A socket says no to a chunk of its own size even when the kernel took it
 * at once; to stop reading for that and begin again costs more than the write.
 */
export function writeTo(socket: Writable, bytes: Buffer): boolean {
  return socket.write(bytes) || socket.writableLength === 0;
}

/**
 * Buffers of the way from server to client. A new one for each read would be the work of the garbage collector: a quarter
 * of the CPU of a large download.
 */
export class Buffers {
  /** Every connection to a server reads into this one, and passes on what it read before another reads. */
  readonly shared = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #free: Buffer[] = [];

  /** `writeTo` with a copy of `bytes`, which may be overwritten as soon as this returns. */
  pass(socket: Writable, bytes: Buffer): boolean {
    const { length } = bytes;
    // A whole buffer for half a load would let a client that does not read hold many times what is queued for it.
    if (length <= READ_BYTES / 2 || length > READ_BYTES) {
      const copy = length <= SMALL_BYTES ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
      bytes.copy(copy);
      return writeTo(socket, copy);
    }
    const whole = this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
    bytes.copy(whole);
    const written = () => {
      if (this.#free.length < MOST_FREE) this.#free.push(whole);
    };
    return (
      socket.write(length === READ_BYTES ? whole : whole.subarray(0, length), written) || socket.writableLength === 0
    );
  }
}
