import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { type Buffers, writeTo } from './buffers.ts';
import type { ClientSocket } from './context.ts';

/** Gets bytes that hold until it returns: what is kept is copied. */
export type Take = (chunk: Buffer) => void;

/** A socket's insides. */
type Insides = Record<symbol, unknown> & { _handle?: { useUserBuffer?(buffer: Buffer): void } | null };

/**
 * Where Node's sockets keep what `onread` names. Node takes that option for connections that it opens, not for those that
 * it accepts, which have the same places. Undefined in a Node that keeps it elsewhere.
 */
const PLACES = placesOfOnread();

/**
 * Calls `take` for what a client sends, from now on; `take` may be set to another. Of a plain connection it is read into the
 * buffer that servers' answers are read into: what Node does else, a buffer of 64 KiB for each read and a stream around it,
 * costs a tenth of a small request. TLS and HTTP/2 have buffers of their own.
 */
export class ClientReads {
  take: Take;
  readonly #buffers: Buffers;

  /** @param socket nothing was read from it yet: accepted in this turn of the event loop */
  constructor(socket: ClientSocket, buffers: Buffers, take: Take) {
    this.take = take;
    this.#buffers = buffers;
    const { shared } = buffers;
    const onRead = (size: number): boolean => {
      this.take(shared.subarray(0, size));
      return true;
    };
    if (!readInto(socket, shared, onRead)) socket.on('data', (chunk: Buffer) => this.take(chunk));
  }

  /** Bytes that `take` just got, or a part of them, to be kept. */
  keep(bytes: Buffer): Buffer {
    return this.#isShared(bytes) ? Buffer.from(bytes) : bytes;
  }

  /** Writes such bytes to a server, as `writeTo` does. */
  pass(server: Writable, bytes: Buffer): boolean {
    return this.#isShared(bytes) ? this.#buffers.pass(server, bytes) : writeTo(server, bytes);
  }

  #isShared(bytes: Buffer): boolean {
    return bytes.buffer === this.#buffers.shared.buffer;
  }
}

/** False where that cannot be had. */
function readInto(socket: ClientSocket, buffer: Buffer, onRead: (size: number) => boolean): boolean {
  // Not a class derived from it: TLS sockets are sockets, too.
  if (!PLACES || Object.getPrototypeOf(socket) !== Socket.prototype) return false;
  const insides = socket as unknown as Insides;
  const handle = insides._handle;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  handle.useUserBuffer(buffer);
  insides[PLACES.buffer] = buffer;
  insides[PLACES.callback] = onRead;
  return true;
}

function placesOfOnread(): { buffer: symbol; callback: symbol } | undefined {
  const buffer = Buffer.allocUnsafeSlow(1);
  const callback = () => true;
  const insides = new Socket({ onread: { buffer, callback } }) as unknown as Insides;
  const placeOf = (value: unknown) => Object.getOwnPropertySymbols(insides).find((place) => insides[place] === value);
  const places = { buffer: placeOf(buffer), callback: placeOf(callback) };
  return places.buffer && places.callback && { buffer: places.buffer, callback: places.callback };
}
