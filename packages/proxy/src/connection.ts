import { isTrusted } from '@atrium/sdk';
import type { Closes } from './bars.ts';
import { badLineEnd } from './body.ts';
import { ClientReads } from './client-reads.ts';
import type { ClientSocket, Offer, ProxyContext, StandAlone } from './context.ts';
import { tokensIn } from './credentials.ts';
import { PROBLEMS, type Problem } from './error-page.ts';
import { Exchange } from './exchange.ts';
import type { Fields } from './fields.ts';
import { passedOnLines, peerAddress, portOf } from './forwarded.ts';
import { firstText, HEAD_END, parseRequestHead, Refusal, type RequestHead } from './head.ts';
import { answer, answerProblem, goesOn, type Logged, own, refuse, sendProblem } from './own-answers.ts';
import { AMBIGUOUS, HUB } from './route-table.ts';

/** Requests sent ahead of their turn are held up to this; then the client waits. */
const MAX_AHEAD = 64 * 1024;
/** A head is remembered up to this, because the next one mostly repeats it. */
const MAX_REMEMBERED = 8 * 1024;
/** How long a client may go on sending after an answer that ends the connection, before it is cut off. */
const LINGER_MS = 2_000;

/** What the connection's one deadline is for. */
type Expected = 'nothing' | 'head' | 'idle' | 'connect' | 'hub' | 'body' | 'answer' | 'taking' | 'close';
type PauseReason = typeof UPSTREAM | typeof AHEAD;

/** Why nothing is read from the client: the server takes no more, or it has sent too much ahead of its turn. */
export const UPSTREAM = 1;
const AHEAD = 2;

/** One client's connection: reads heads, runs one exchange at a time, answers in order. */
export class ClientConnection {
  readonly context: ProxyContext;
  readonly socket: ClientSocket;
  /** The client's address, or the front server's. */
  readonly peer: string;
  readonly trusted: boolean;
  readonly secure: boolean;
  readonly #offer: Offer;
  readonly reads: ClientReads;
  /** Bytes not yet given to anybody. */
  #ahead: Buffer | undefined;
  /** Of those, how many were searched for the end of a head. */
  #searched = 0;
  #exchange: Exchange | undefined;
  /** `#readHeads` is at work and will see what comes next by itself. */
  #reading = false;
  #expected: Expected = 'nothing';
  #deadline = 0;
  /** Reasons, added up. */
  #paused = 0;
  /** The last head, which the next one mostly repeats but for its path. */
  #lastHead: RequestHead | undefined;
  /** What a request is passed on with beside method, target and id, as long as its fields stay these. */
  #linesOf: Fields | undefined;
  #linesHost = '';
  #lines = '';
  /** Its exchange came to nothing, and what to tell the client is still being fetched. */
  #failing = false;
  /** The last answer is out; what still comes is thrown away. */
  #ending = false;
  /** Bytes of requests and answers that are in the access log already. */
  #loggedIn = 0;
  #loggedOut = 0;

  constructor(context: ProxyContext, socket: ClientSocket, offer: Offer) {
    this.context = context;
    this.socket = socket;
    this.#offer = offer;
    this.peer = peerAddress(socket.remoteAddress);
    this.trusted = isTrusted(context.trusted, this.peer);
    this.secure = offer.secure ?? false;
    context.connections.add(this);
    this.reads = new ClientReads(socket, context.pool.buffers, (chunk) => this.#onData(chunk));
    socket.on('drain', () => {
      const exchange = this.#exchange;
      if (this.#expected === 'taking') {
        if (!exchange) return this.#next(context.clock.now());
        if (exchange.requestBody.done) this.expect('nothing', 0);
        else this.expect('body', context.limits.stallTimeoutMs);
      }
      exchange?.onClientDrain();
    });
    socket.on('end', () => this.#onEnd());
    // 'close' follows and says all there is to say: clients go away as they like.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      context.connections.delete(this);
      context.counts.bytesIn += socket.bytesRead;
      context.counts.bytesOut += socket.bytesWritten;
      if (offer.counted) context.peers.leave(this.peer);
      const exchange = this.#exchange;
      if (!exchange) return;
      exchange.abort();
      if (exchange.answeredAt === 0) context.counts.answered(exchange.kind, 0);
      if (context.access) this.logged(exchange, exchange.status, true);
      this.#exchange = undefined;
    });
    this.expect('head', context.limits.headTimeoutMs);
  }

  /** Sets what is waited for, and for how long; 0 for ever. */
  expect(what: Expected, ms: number, now?: number): void {
    this.#expected = what;
    this.#deadline = ms > 0 ? (now ?? this.context.clock.now()) + ms : 0;
  }

  /** Called every now and then. */
  sweep(now: number): void {
    this.#exchange?.sweep(now);
    if (this.#deadline === 0 || now < this.#deadline) return;
    this.#deadline = 0;
    switch (this.#expected) {
      case 'connect':
      case 'answer':
      case 'hub':
        return this.#exchange?.onDeadline(this.#expected);
      case 'head':
        if (this.#ahead) return this.#refuse(new Refusal(408, 'slow head'), this.#ahead);
        return this.destroy();
      case 'body':
        if (this.#paused !== 0) return this.expect('body', this.context.limits.stallTimeoutMs);
        return this.destroy();
      default:
        return this.destroy();
    }
  }

  pause(reason: PauseReason): void {
    if (this.#paused === 0) this.socket.pause();
    this.#paused |= reason;
  }

  resume(reason: PauseReason): void {
    if ((this.#paused & reason) === 0) return;
    this.#paused &= ~reason;
    if (this.#paused === 0) this.socket.resume();
  }

  /** The head's lines from its version on, as the server gets them; all but those that are of this one request. */
  linesFor(head: RequestHead): string {
    const { fields } = head;
    // A request for a websocket is the last on its connection.
    if (this.#linesOf === fields && this.#linesHost === head.host && !head.upgrade) return this.#lines;
    const host = head.host === '' ? this.localHost() : head.host;
    const lines = passedOnLines(head, host, this);
    if (lines.length <= MAX_REMEMBERED) {
      this.#linesOf = fields;
      this.#linesHost = head.host;
      this.#lines = lines;
    }
    return lines;
  }

  /** What a client of HTTP/1.0 that names no host meant. */
  localHost(): string {
    const { localAddress, localPort } = this.socket;
    const address = peerAddress(localAddress);
    return `${address.includes(':') ? `[${address}]` : address}:${localPort}`;
  }

  /** Lines that the proxy itself adds to an answer. @param host as the request names it */
  ownLines(host: string): string {
    const { hsts } = this.#offer;
    return hsts !== undefined && portOf(host) === '' ? hsts : '';
  }

  /** The answer is out. */
  exchangeDone(keep: boolean, now: number): void {
    this.#exchange = undefined;
    if (!keep || this.context.closing) return this.#end();
    this.resume(UPSTREAM);
    this.#next(now);
  }

  /** The whole of a request's body is there, and its answer has begun. */
  bodyDone(): void {
    if (this.#expected === 'body') this.expect('nothing', 0);
  }

  /** Nothing is under way. Whoever asks and asks, and takes no answer, gets no more of them made ready. */
  #next(now: number): void {
    const { limits } = this.context;
    if (this.socket.writableLength > 0 && this.socket.writableNeedDrain) {
      this.pause(AHEAD);
      return this.expect('taking', limits.stallTimeoutMs, now);
    }
    this.expect('idle', limits.idleTimeoutMs, now);
    this.resume(AHEAD);
    if (this.#ahead && !this.#reading) this.#readHeads();
  }

  /** The exchange came to nothing; the client is told. */
  failExchange(problem: Problem): void {
    if (this.#failing) return;
    const exchange = this.#exchange!;
    const { head, requestBody } = exchange;
    const { standAlone } = this.context;
    if (standAlone) return this.#fetchProblem(standAlone, problem, exchange);
    this.#exchange = undefined;
    answerProblem(this, problem, head, exchange, requestBody.done);
  }

  /** The exchange stays until its page is there, so that nothing is answered before its turn. */
  #fetchProblem(standAlone: StandAlone, problem: Problem, exchange: Exchange): void {
    const { head, requestId, requestBody } = exchange;
    this.#failing = true;
    this.expect('nothing', 0);
    const keeps = () => goesOn(this, head, requestBody.done);
    void standAlone
      .problemAnswer(problem, head, requestId, () => !keeps())
      .then((text) => {
        this.#failing = false;
        if (this.#exchange !== exchange) return;
        const keep = keeps();
        this.#exchange = undefined;
        sendProblem(this, problem, text, keep, exchange);
      });
  }

  /** Writes into the access log what has ended. Only where there is one. @param status 0 for no answer */
  logged(what: Logged, status: number, aborted: boolean, reason?: string): void {
    const { socket, peer, trusted } = this;
    const read = socket.bytesRead - (this.#ahead?.length ?? 0);
    const written = socket.bytesWritten;
    this.context.access!.write({
      ...{ requestId: what.requestId, head: what.head, target: what.target, kind: what.kind },
      ...{ startedAt: what.startedAt, answeredAt: what.answeredAt },
      ...{ peer, trusted, status, aborted },
      bytesIn: Math.max(0, read - this.#loggedIn),
      bytesOut: Math.max(0, written - this.#loggedOut),
      ...(reason !== undefined && { reason }),
    });
    this.#loggedIn = read;
    this.#loggedOut = written;
  }

  /** Gives the socket away, and what was read from it beyond the head: from now on it belongs to a splice. */
  detach(): { socket: ClientSocket; reads: ClientReads; early: Buffer | undefined; counted: boolean } {
    this.context.connections.delete(this);
    this.#exchange = undefined;
    for (const event of ['drain', 'end', 'error', 'close']) this.socket.removeAllListeners(event);
    const early = this.#ahead;
    this.#ahead = undefined;
    return { socket: this.socket, reads: this.reads, early, counted: this.#offer.counted === true };
  }

  /** Cut off when what is under way is for somebody who may not have it any more. */
  closeFor(closes: Closes): void {
    const exchange = this.#exchange;
    if (exchange && closes(exchange.target.serverId, () => tokensIn(exchange.head))) this.destroy();
  }

  /** Ends at once when nothing is under way, else after the present answer. */
  closeWhenDone(): void {
    if (!this.#exchange && !this.#ending) this.#end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#ending) return;
    const exchange = this.#exchange;
    if (exchange && !exchange.requestBody.done) this.#feed(exchange, chunk);
    else {
      this.#ahead = this.#ahead ? Buffer.concat([this.#ahead, chunk]) : chunk;
      if (!exchange) this.#readHeads();
      else if (this.#ahead.length > MAX_AHEAD) this.pause(AHEAD);
    }
    if (this.#ahead) this.#ahead = this.reads.keep(this.#ahead);
  }

  #onEnd(): void {
    // As with nginx: a client that hangs up while it waits has lost interest, and what works for it may stop.
    // After the last answer the socket closes by itself, once that is written.
    if (this.#ending) return;
    if (this.#exchange || this.#ahead) this.destroy();
    else this.#end();
  }

  #feed(exchange: Exchange, chunk: Buffer): void {
    if (this.#expected === 'body') this.expect('body', this.context.limits.stallTimeoutMs);
    const end = exchange.takeBody(chunk, 0);
    if (end < chunk.length && !this.#ending) this.#ahead = chunk.subarray(end);
  }

  #readHeads(): void {
    this.#reading = true;
    while (!this.#exchange && this.#ahead && !this.#ending && (this.#paused & AHEAD) === 0) {
      if (!this.#readHead(this.#ahead)) break;
    }
    this.#reading = false;
  }

  /** Reads one head and begins what it asks for. False when it is not complete. */
  #readHead(bytes: Buffer): boolean {
    const { limits } = this.context;
    // RFC 9112 §2.2: an empty line before a request is forgiven.
    if (bytes[0] === 0x0d && bytes[1] === 0x0a && this.#searched < 3) {
      this.#ahead = bytes.length > 2 ? bytes.subarray(2) : undefined;
      this.#searched = 0;
      return true;
    }
    const first = this.#searched === 0 ? firstText(bytes, 0) : '';
    const inFirst = first.indexOf('\r\n\r\n');
    const end = inFirst >= 0 ? inFirst : bytes.indexOf(HEAD_END, Math.max(0, this.#searched - 3));
    if ((end < 0 ? bytes.length : end + 4) > limits.headBytes) {
      this.#refuse(new Refusal(431, 'head too large'), bytes);
      return false;
    }
    if (end < 0) {
      const fresh =
        this.#searched === 0 ? `\n${bytes.toString('latin1')}` : bytes.toString('latin1', this.#searched - 1);
      this.#searched = bytes.length;
      if (badLineEnd(fresh)) this.#refuse(new Refusal(400, 'stray line end'), bytes);
      else if (this.#expected !== 'head') this.expect('head', limits.headTimeoutMs);
      return false;
    }
    const text = inFirst >= 0 ? first.slice(0, end + 4) : bytes.toString('latin1', 0, end + 4);
    const head = parseRequestHead(text, this.#lastHead, this.context.standAlone?.requestNames);
    this.#searched = 0;
    this.#ahead = end + 4 < bytes.length ? bytes.subarray(end + 4) : undefined;
    if (head instanceof Refusal) this.#refuse(head, bytes);
    else {
      // Of an unusually large one nothing is kept while the connection idles.
      this.#lastHead = head.block.length <= MAX_REMEMBERED ? head : undefined;
      this.#begin(head);
    }
    return true;
  }

  #begin(head: RequestHead): void {
    const { context } = this;
    context.counts.requests++;
    const query = head.target.indexOf('?');
    const path = query < 0 ? head.target : head.target.slice(0, query);
    const plain = head.fields.contentLength <= 0 && !head.fields.chunked;
    const { only } = this.#offer;
    if (only === undefined && path === '/_chp_healthz') {
      return answer(this, head, plain, 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n', '{"status":"OK"}');
    }
    const proof = only === undefined ? context.challenge?.(path) : undefined;
    if (proof !== undefined) {
      return answer(this, head, plain, 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n', proof);
    }
    if (path === '*') return answer(this, head, plain, 'HTTP/1.1 200 OK\r\n', '');
    const requestId = context.nextRequestId();
    context.standAlone?.onRequest(head.upgrade);
    const target = context.table.lookup(head.host, path);
    if (target === AMBIGUOUS) {
      context.counts.refuse('ambiguous path');
      context.log.info({ requestId, peer: this.peer }, 'refused a path that can be read in two ways');
      return answerProblem(this, PROBLEMS.badRequest, head, own(requestId, head), plain, 'ambiguous path');
    }
    if (only !== undefined && path !== only && !path.startsWith(`${only}/`)) {
      return answerProblem(this, PROBLEMS.notFound, 'json', own(requestId, head), plain);
    }
    const goal = only === undefined ? target : HUB;
    const exchange = new Exchange(this, context.bars.clean(goal.serverId, head), goal, requestId, context.clock.now());
    this.#exchange = exchange;
    if (this.#ahead && !exchange.requestBody.done) {
      const bytes = this.#ahead;
      this.#ahead = undefined;
      this.#feed(exchange, bytes);
    }
    // Not when the first bytes of its body were refused.
    if (this.#exchange === exchange && !this.#failing) exchange.start();
  }

  #refuse(refusal: Refusal, bytes: Buffer): void {
    // All of what came is what was refused: nothing behind it is read.
    this.#ahead = undefined;
    refuse(this, refusal, bytes);
  }

  /** Says no more, and reads on for a moment: a client cut off while it sends would not see the answer. */
  #end(): void {
    this.#ending = true;
    this.#ahead = undefined;
    this.#paused = 0;
    this.expect('close', this.context.limits.stallTimeoutMs);
    this.socket.end(() => this.expect('close', LINGER_MS));
    this.socket.resume();
  }
}
