import { constants, type ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { BodyReader } from '../body.ts';
import type { ClientSocket } from '../context.ts';
import { HEAD_END, parseResponseHead } from '../head.ts';
import { answerHeaders } from './heads.ts';

const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** Whose connection a stream came on. */
export type Ends = Pick<ClientSocket, 'remoteAddress' | 'localAddress' | 'localPort'>;

/**
 * One stream of HTTP/2 as a connection of HTTP/1.1 that carries one request: what is read from it is the request, what is
 * written to it becomes the answer. So that there is one data path, with one set of rules, whatever a browser speaks.
 */
export class StreamSocket extends Duplex implements ClientSocket {
  readonly remoteAddress: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #method: string;
  /** Bytes of an answer whose head is not complete. */
  #held: Buffer | undefined;
  #body: BodyReader | undefined;
  #chunked = false;
  /** As HTTP/1.1 would have them, but for what frames chunks. */
  bytesRead: number;
  #written = 0;
  #answered = false;
  /** The last of the answer waits for the client to take it. */
  #unsent = false;

  /**
   * @param head of the request, as HTTP/1.1 has it
   * @param body how what follows the head is framed there; `none` when nothing does
   */
  constructor(
    stream: ServerHttp2Stream,
    ends: Ends,
    { head, method, body }: { head: string; method: string; body: 'none' | 'chunked' | 'plain' },
  ) {
    super({ allowHalfOpen: true });
    this.bytesRead = head.length;
    this.#stream = stream;
    this.#method = method;
    this.remoteAddress = ends.remoteAddress;
    this.localAddress = ends.localAddress;
    this.localPort = ends.localPort;
    stream.on('error', () => undefined);
    stream.on('close', () => this.destroy());
    this.push(Buffer.from(head, 'latin1'));
    if (body === 'none') {
      stream.resume();
      return;
    }
    stream.on('data', (chunk: Buffer) => {
      if (!this.#take(chunk, body === 'chunked')) stream.pause();
    });
    if (body === 'chunked') {
      stream.on('end', () => {
        // Of one that was broken off Node says the same, and closed it before.
        if (!stream.closed && !this.destroyed && !this.#answered) this.push(LAST_CHUNK);
      });
    }
  }

  #take(chunk: Buffer, chunked: boolean): boolean {
    // What comes after the answer nobody waits for.
    if (this.#answered || this.destroyed || chunk.length === 0) return true;
    this.bytesRead += chunk.length;
    if (!chunked) return this.push(chunk);
    this.push(Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'));
    this.push(chunk);
    return this.push(CRLF);
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override _read(): void {
    this.#stream.resume();
  }

  get bytesWritten(): number {
    return this.#written + this.writableLength;
  }

  override _write(chunk: Buffer, _: BufferEncoding, written: () => void): void {
    const done = () => {
      this.#written += chunk.length;
      written();
    };
    // Gone already: 'close' says so to whoever writes.
    if (this.#stream.destroyed || this.#answered) return done();
    if (this.#body) return this.#writeBody(chunk, 0, done);
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = undefined;
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(HEAD_END, at);
      if (end < 0) {
        if (at < bytes.length) this.#held = Buffer.from(bytes.subarray(at));
        return done();
      }
      const head = parseResponseHead(bytes.toString('latin1', at, end + 4), false);
      if (typeof head === 'string') return this.#broken(done);
      at = end + 4;
      try {
        if (head.status < 200) {
          this.#stream.additionalHeaders(answerHeaders(head));
          continue;
        }
        this.#body = BodyReader.ofResponse(head.fields, head.status, this.#method);
        this.#stream.respond(answerHeaders(head), { endStream: this.#body.done });
      } catch {
        return this.#broken(done);
      }
      if (this.#body.done) {
        this.#answered = true;
        this.push(null);
        return done();
      }
      this.#chunked = head.fields.chunked;
      return this.#writeBody(bytes, at, done);
    }
  }

  #writeBody(bytes: Buffer, at: number, done: () => void): void {
    const body = this.#body!;
    const pieces: Buffer[] = [];
    // Chunks are HTTP/1.1's; a stream has an end of its own.
    body.onContent = (content) => pieces.push(content);
    if (body.read(bytes, at) < 0) return this.#broken(done);
    if (!this.#chunked) pieces.push(bytes.subarray(at, body.rawEnd));
    const content = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    // Not before it is sent: the bytes are another answer's as soon as this one is done with them.
    const sent = () => done();
    if (body.done) this.#end(content, sent);
    else if (content.length === 0) done();
    else this.#stream.write(content, sent);
  }

  #end(last: Buffer, sent: () => void): void {
    this.#answered = true;
    this.#unsent = true;
    this.#stream.end(last, () => {
      this.#unsent = false;
      sent();
    });
    // One request is all there is: its connection has come to its end.
    this.push(null);
  }

  #broken(done: () => void): void {
    done();
    this.destroy();
  }

  override _final(done: () => void): void {
    if (!this.#answered && this.#body?.untilClose) {
      this.#answered = true;
      this.#stream.end();
    }
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const stream = this.#stream;
    // Half an answer is not to be taken for a whole one. After a whole one, what is still sent is not wanted.
    // `close` would end it first, as if the answer were whole.
    if (!this.#answered || this.#unsent) stream.destroy(error ?? new Error('the answer broke off'));
    else if (!stream.closed && !stream.readableEnded) {
      stream.close(constants.NGHTTP2_NO_ERROR);
      // What was held up has to be read to its end for that.
      stream.resume();
    }
    done(error);
  }
}
