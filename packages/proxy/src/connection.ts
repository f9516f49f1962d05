import type { Socket } from 'node:net';
import { isTrusted } from '@atrium/sdk';
import type { Closes } from './bars.ts';
import { badLineEnd } from './body.ts';
import type { Offer, ProxyContext } from './context.ts';
import { tokensIn } from './credentials.ts';
import { PROBLEMS, type Problem, problemAnswer, problemOf } from './error-page.ts';
import { Exchange } from './exchange.ts';
import { peerAddress } from './forwarded.ts';
import { HEAD_END, parseRequestHead, Refusal, type RequestHead } from './head.ts';
import { AMBIGUOUS } from './route-table.ts';

/** Requests sent ahead of their turn are held up to this; then the client waits. */
const MAX_AHEAD = 64 * 1024;
/** How long a client may go on sending after an answer that ends the connection, before it is cut off. */
const LINGER_MS = 2_000;

/** What the connection's one deadline is for. */
type Expected = 'nothing' | 'head' | 'idle' | 'connect' | 'hub' | 'body' | 'answer' | 'taking' | 'close';
type PauseReason = 'upstream' | 'ahead';

/** One client's connection: reads heads, runs one exchange at a time, answers in order. */
export class ClientConnection {
  readonly context: ProxyContext;
  readonly socket: Socket;
  /** The client's address, or the front server's. */
  readonly peer: string;
  readonly trusted: boolean;
  readonly #offer: Offer;
  /** Bytes not yet given to anybody. */
  #ahead: Buffer | undefined;
  /** Of those, how many were searched for the end of a head. */
  #searched = 0;
  #exchange: Exchange | undefined;
  /** `#readHeads` is at work and will see what comes next by itself. */
  #reading = false;
  #expected: Expected = 'nothing';
  #deadline = 0;
  #paused = new Set<PauseReason>();
  /** The last answer is out; what still comes is thrown away. */
  #ending = false;

  constructor(context: ProxyContext, socket: Socket, offer: Offer) {
    this.context = context;
    this.socket = socket;
    this.#offer = offer;
    this.peer = peerAddress(socket.remoteAddress);
    this.trusted = isTrusted(context.trusted, this.peer);
    context.connections.add(this);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => {
      if (this.#expected === 'taking') this.expect('nothing', 0);
      this.#exchange?.onClientDrain();
    });
    socket.on('end', () => this.#onEnd());
    // 'close' follows and says all there is to say: clients go away as they like.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      context.connections.delete(this);
      this.#exchange?.abort();
      this.#exchange = undefined;
    });
    this.expect('head', context.limits.headTimeoutMs);
  }

  /** Sets what is waited for, and for how long; 0 for ever. */
  expect(what: Expected, ms: number): void {
    this.#expected = what;
    this.#deadline = ms > 0 ? this.context.clock.now() + ms : 0;
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
        if (this.#paused.size > 0) return this.expect('body', this.context.limits.stallTimeoutMs);
        return this.destroy();
      default:
        return this.destroy();
    }
  }

  pause(reason: PauseReason): void {
    if (this.#paused.size === 0) this.socket.pause();
    this.#paused.add(reason);
  }

  resume(reason: PauseReason): void {
    if (this.#paused.delete(reason) && this.#paused.size === 0) this.socket.resume();
  }

  /** What a client of HTTP/1.0 that names no host meant. */
  localHost(): string {
    const { localAddress, localPort } = this.socket;
    const address = peerAddress(localAddress);
    return `${address.includes(':') ? `[${address}]` : address}:${localPort}`;
  }

  /** The answer is out. */
  exchangeDone(keep: boolean): void {
    this.#exchange = undefined;
    if (!keep || this.context.closing) return this.#end();
    this.expect('idle', this.context.limits.idleTimeoutMs);
    this.resume('upstream');
    this.resume('ahead');
    if (this.#ahead && !this.#reading) this.#readHeads();
  }

  /** The exchange came to nothing; the client is told. */
  failExchange(problem: Problem): void {
    const { head, requestId, requestBody } = this.#exchange!;
    this.#exchange = undefined;
    this.#answerProblem(problem, head, requestId, requestBody.done);
  }

  /** Gives the socket away, and what was read from it beyond the head: from now on it belongs to a splice. */
  detach(): { socket: Socket; early: Buffer | undefined } {
    this.context.connections.delete(this);
    this.#exchange = undefined;
    this.socket.removeAllListeners();
    const early = this.#ahead;
    this.#ahead = undefined;
    return { socket: this.socket, early };
  }

  /** Cut off when what is under way is for somebody who may not have it any more. */
  closeFor(closes: Closes): void {
    const exchange = this.#exchange;
    if (exchange && closes(exchange.target.serverId, () => tokensIn(exchange.head))) this.destroy();
  }

  /** Ends at once when nothing is under way, else after the present answer. */
  closeWhenDone(): void {
    if (!this.#exchange && !this.#ending) this.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#ending) return;
    const exchange = this.#exchange;
    if (exchange && !exchange.requestBody.done) return this.#feed(exchange, chunk);
    this.#ahead = this.#ahead ? Buffer.concat([this.#ahead, chunk]) : chunk;
    if (!exchange) this.#readHeads();
    else if (this.#ahead.length > MAX_AHEAD) this.pause('ahead');
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
    while (!this.#exchange && this.#ahead && !this.#ending && this.#readHead(this.#ahead));
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
    const end = bytes.indexOf(HEAD_END, Math.max(0, this.#searched - 3));
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
    const head = parseRequestHead(bytes.toString('latin1', 0, end + 4));
    this.#searched = 0;
    this.#ahead = end + 4 < bytes.length ? bytes.subarray(end + 4) : undefined;
    if (head instanceof Refusal) this.#refuse(head, bytes);
    else this.#begin(head);
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
      return this.#answer(head, plain, 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n', '{"status":"OK"}');
    }
    if (path === '*') return this.#answer(head, plain, 'HTTP/1.1 200 OK\r\n', '');
    const requestId = context.nextRequestId();
    const target = context.table.lookup(head.host, path);
    if (target === AMBIGUOUS) {
      context.counts.refused++;
      context.log.info({ requestId, peer: this.peer }, 'refused a path that can be read in two ways');
      return this.#answerProblem(PROBLEMS.badRequest, head, requestId, plain);
    }
    if (only !== undefined && path !== only && !path.startsWith(`${only}/`)) {
      return this.#answerProblem(PROBLEMS.notFound, 'json', requestId, plain);
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
    if (this.#exchange === exchange) exchange.start();
  }

  /** A small answer of the proxy's own. */
  #answer(head: RequestHead, plain: boolean, start: string, body: string): void {
    const keep = plain && head.keepAlive && !this.context.closing;
    const connection = keep ? (head.minor === 0 ? 'Connection: keep-alive\r\n' : '') : 'Connection: close\r\n';
    const text = `${start}Content-Length: ${body.length}\r\n${connection}\r\n${head.method === 'HEAD' ? '' : body}`;
    this.socket.write(text, 'latin1');
    if (keep) this.expect('idle', this.context.limits.idleTimeoutMs);
    else this.#end();
  }

  #answerProblem(problem: Problem, head: RequestHead | 'page' | 'json', requestId: string, bodyRead: boolean): void {
    const { context } = this;
    context.counts.problems[problem.status] = (context.counts.problems[problem.status] ?? 0) + 1;
    const keep =
      bodyRead && typeof head === 'object' && head.minor === 1 && head.keepAlive && !head.upgrade && !context.closing;
    this.socket.write(problemAnswer(problem, head, requestId, context.homePath, !keep));
    if (keep) this.exchangeDone(true);
    else this.#end();
  }

  /** @param bytes of the head, which tell whether a person or a program reads the answer */
  #refuse(refusal: Refusal, bytes: Buffer): void {
    const { context } = this;
    const requestId = context.nextRequestId();
    context.counts.refused++;
    context.log.info(
      { requestId, peer: this.peer, status: refusal.status, reason: refusal.reason },
      'refused a request',
    );
    this.#answerProblem(problemOf(refusal.status), bytes.includes('text/html') ? 'page' : 'json', requestId, false);
  }

  /** Says no more, and reads on for a moment: a client cut off while it sends would not see the answer. */
  #end(): void {
    this.#ending = true;
    this.#ahead = undefined;
    this.#paused.clear();
    this.expect('close', this.context.limits.stallTimeoutMs);
    this.socket.end(() => this.expect('close', LINGER_MS));
    this.socket.resume();
  }
}

const HUB = { address: undefined, prefix: '', serverId: undefined };
