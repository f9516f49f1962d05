import { cleanTrailer, isTokenChar } from './fields.ts';

const NONE = 0;
const LENGTH = 1;
const CHUNKED = 2;
const UNTIL_CLOSE = 3;

// Where in a chunked body the next byte stands.
const SIZE_FIRST = 0;
const SIZE = 1;
const EXTENSION_FIRST = 2;
const EXTENSION = 3;
const VALUE_FIRST = 4;
const VALUE = 5;
const SIZE_LF = 6;
const DATA = 7;
const DATA_CR = 8;
const DATA_LF = 9;
const TRAILER = 10;

const MAX_EXTENSION = 256;
const MAX_TRAILER = 8192;

/** Framing of a message, as its head gave it. */
export interface Framing {
  /** -1 when there is no Content-Length. */
  contentLength: number;
  chunked: boolean;
}

/**
 * Finds the end of one message body in the bytes as they come, and checks its framing on the way (RFC 9112 §6, §7).
 * Bytes are passed on as they are: nothing is copied, nothing is put together again, except a trailer section.
 */
export class BodyReader {
  done: boolean;
  /** What is to be written after the passed-on bytes of the last `read`: a trailer section that was put right. */
  tail = '';
  /** End of the bytes to pass on as they are after the last `read`; `read` itself returns where the body's bytes end. */
  rawEnd = 0;
  /** Set to take chunks apart for a client of HTTP/1.0: gets each piece of content, and nothing is to be passed on raw. */
  onContent: ((content: Buffer) => void) | undefined;
  readonly #kind: number;
  #left = 0;
  #state = SIZE_FIRST;
  #digits = 0;
  #extension = 0;
  #trailer = '';

  constructor(kind: number, length: number) {
    this.#kind = kind;
    this.#left = length;
    this.done = kind === NONE || (kind === LENGTH && length === 0);
  }

  /** Of a request: without a length there is no body. */
  static ofRequest(framing: Framing): BodyReader {
    if (framing.chunked) return new BodyReader(CHUNKED, 0);
    return framing.contentLength > 0 ? new BodyReader(LENGTH, framing.contentLength) : NO_BODY;
  }

  /** Of an answer: some never have a body, whatever their fields say (RFC 9112 §6.3). */
  static ofResponse(framing: Framing, status: number, method: string): BodyReader {
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return new BodyReader(NONE, 0);
    if (framing.chunked) return new BodyReader(CHUNKED, 0);
    return framing.contentLength >= 0 ? new BodyReader(LENGTH, framing.contentLength) : new BodyReader(UNTIL_CLOSE, 0);
  }

  get untilClose(): boolean {
    return this.#kind === UNTIL_CLOSE;
  }

  /** Takes what belongs to this body from `at` on. Returns where that ends, or -1 when the framing is broken. */
  read(bytes: Buffer, at: number): number {
    this.tail = '';
    if (this.#kind === CHUNKED) return this.#readChunks(bytes, at);
    let end = at;
    if (this.#kind === UNTIL_CLOSE) end = bytes.length;
    else if (!this.done) {
      end = Math.min(bytes.length, at + this.#left);
      this.#left -= end - at;
      this.done = this.#left === 0;
    }
    this.rawEnd = end;
    return end;
  }

  #readChunks(bytes: Buffer, at: number): number {
    const length = bytes.length;
    this.rawEnd = at;
    while (at < length && !this.done) {
      if (this.#state === DATA) {
        const end = Math.min(length, at + this.#left);
        if (this.onContent) this.onContent(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = DATA_CR;
        continue;
      }
      if (this.#state === TRAILER) return this.#readTrailer(bytes, at);
      if (!this.#step(bytes[at++]!)) return -1;
      // The usual end, `0 CRLF CRLF` in one piece, needs no second look.
      if (this.#state === TRAILER) {
        if (at + 1 < length && bytes[at] === 0x0d && bytes[at + 1] === 0x0a) {
          at += 2;
          this.done = true;
        } else {
          this.rawEnd = at;
          if (at === length) return at;
        }
      }
    }
    this.rawEnd = at;
    return at;
  }

  /** One byte of chunk framing. False when it may not stand there. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE_FIRST:
      case SIZE: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          // Twelve digits stay exact in a double.
          if (++this.#digits > 12) return false;
          this.#left = this.#left * 16 + digit;
          this.#state = SIZE;
          return true;
        }
        if (this.#state === SIZE_FIRST) return false;
        this.#extension = 0;
        this.#state = byte === 0x0d ? SIZE_LF : EXTENSION_FIRST;
        return byte === 0x0d || byte === 0x3b;
      }
      // `;name` or `;name=value`, both tokens. Readers do not agree where a quoted value ends, and nobody sends one.
      case EXTENSION_FIRST:
      case VALUE_FIRST:
        this.#state++;
        return isTokenChar(byte) && ++this.#extension <= MAX_EXTENSION;
      case EXTENSION:
      case VALUE:
        if (byte === 0x0d) this.#state = SIZE_LF;
        else if (byte === 0x3b) this.#state = EXTENSION_FIRST;
        else if (byte === 0x3d && this.#state === EXTENSION) this.#state = VALUE_FIRST;
        else if (!isTokenChar(byte)) return false;
        return ++this.#extension <= MAX_EXTENSION;
      case SIZE_LF:
        this.#digits = 0;
        this.#state = this.#left === 0 ? TRAILER : DATA;
        return byte === 0x0a;
      case DATA_CR:
        this.#state = DATA_LF;
        return byte === 0x0d;
      default:
        this.#state = SIZE_FIRST;
        return byte === 0x0a;
    }
  }

  #readTrailer(bytes: Buffer, at: number): number {
    const before = this.#trailer.length;
    // latin1: one character per byte, so positions in the text are positions in the bytes.
    this.#trailer += bytes.toString('latin1', at, Math.min(bytes.length, at + MAX_TRAILER + 1));
    const text = this.#trailer;
    const end = text.startsWith('\r\n') ? 2 : text.indexOf('\r\n\r\n') + 4;
    if (end < 4 && end !== 2) return text.length > MAX_TRAILER || badLineEnd(`\n${text}`) ? -1 : bytes.length;
    const tail = end === 2 ? '\r\n' : cleanTrailer(text.slice(0, end));
    if (tail === undefined || end > MAX_TRAILER) return -1;
    this.tail = this.onContent ? '' : tail;
    this.done = true;
    return at + end - before;
  }
}

/** One for all requests without a body: nobody reads from what is done. */
const NO_BODY = new BodyReader(NONE, 0);

/** A line end that is not CRLF, in text whose first character was seen before, and whose last may be half of one. */
export function badLineEnd(text: string): boolean {
  return /[^\r]\n|\r[^\n]/.test(text);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
