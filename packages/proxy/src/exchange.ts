import type { Address } from '@atrium/sdk';
import { isOfServer, kindOf, tellOf } from './behind.ts';
import { BodyReader } from './body.ts';
import { writeTo } from './buffers.ts';
import { type ClientConnection, UPSTREAM } from './connection.ts';
import type { ProxyContext } from './context.ts';
import { tokensIn } from './credentials.ts';
import { PROBLEMS, type Problem, problemWith } from './error-page.ts';
import { firstText, framingLines, HEAD_END, parseResponseHead, type RequestHead, type ResponseHead } from './head.ts';
import { HeldBody } from './held-body.ts';
import { HubWait } from './hub-wait.ts';
import { addressKey, type Target } from './route-table.ts';
import { classOf } from './seen/counts.ts';
import { Splice } from './upgrade.ts';
import { announcedIdle, type Upstream, type UpstreamUser } from './upstream.ts';
import { isWork, relativePath } from './work.ts';

/** May be sent again without doing anything twice (RFC 9110 §9.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
/** A kept connection this young is hardly being closed just now; good enough for what cannot be sent twice. */
const YOUNG_MS = 1_000;
const BUSY_RETRY_MS = 25;
const MAX_INTERIM = 16;
/** A head and a body of this size together are written in one go. */
const ONE_WRITE = 16 * 1024;

/** One request and its answer, from the client's connection to a server's and back. */
export class Exchange implements UpstreamUser {
  readonly head: RequestHead;
  readonly target: Target;
  readonly requestId: string;
  readonly requestBody: BodyReader;
  /** Of its route; a place in `CLASSES`. */
  readonly kind: number;
  /** Ms since the epoch: when its head was read, and when that of its answer came; 0 before. */
  readonly startedAt: number;
  answeredAt = 0;
  readonly #connection: ClientConnection;
  readonly #context: ProxyContext;
  readonly #hasBody: boolean;
  #upstream: Upstream | undefined;
  #opened = false;
  #over = false;
  /** What is held of its body, if it has one. */
  readonly #held: HeldBody | undefined;
  #repeated = false;
  /** The hub is asked again, and told so: it knows what may be done twice. */
  #again = false;
  #hubWait: HubWait | undefined;
  /** Bytes of an answer whose head is not complete. */
  #beginning: Buffer | undefined;
  #interim = 0;
  #answer: ResponseHead | undefined;
  #answerBody: BodyReader | undefined;
  #keepClient = false;
  /** Bytes of a body went through since the last sweep. */
  #moved = false;

  constructor(connection: ClientConnection, head: RequestHead, target: Target, requestId: string, now: number) {
    this.#connection = connection;
    this.#context = connection.context;
    this.head = head;
    this.target = target;
    this.requestId = requestId;
    this.requestBody = BodyReader.ofRequest(head.fields);
    this.kind = classOf(target, this.#context.standAlone !== undefined);
    this.#hasBody = !this.requestBody.done;
    this.#held = this.#hasBody ? new HeldBody(connection.reads, target.address === undefined) : undefined;
    this.startedAt = now;
  }

  /** Of the server's answer; 0 before there is one. */
  get status(): number {
    return this.#answer?.status ?? 0;
  }

  start(): void {
    if (this.target.address === undefined && !this.#context.hub) return this.#fail(PROBLEMS.notFound);
    const repeatable = IDEMPOTENT.has(this.head.method) && !this.#hasBody;
    this.#connect(this.head.upgrade ? 0 : repeatable ? Number.MAX_SAFE_INTEGER : YOUNG_MS, this.startedAt);
  }

  /** Takes what belongs to the request's body from `at` on; returns where that ends. */
  takeBody(chunk: Buffer, at: number): number {
    const body = this.requestBody;
    const end = body.read(chunk, at);
    if (end < 0) {
      this.#fail(PROBLEMS.badRequest);
      return chunk.length;
    }
    if (body.rawEnd > at)
      this.#sendBody(at === 0 && body.rawEnd === chunk.length ? chunk : chunk.subarray(at, body.rawEnd));
    if (body.tail !== '') this.#sendBody(Buffer.from(body.tail, 'latin1'));
    if (body.done && this.#answer) this.#connection.bodyDone();
    else if (body.done && this.#opened) this.#connection.expect('answer', this.#context.limits.answerTimeoutMs);
    return end;
  }

  /** The client is gone. */
  abort(): void {
    this.#over = true;
    this.#hubWait?.leave();
    if (this.#upstream) this.#context.pool.discard(this.#upstream);
    this.#upstream = undefined;
  }

  /** Called every now and then: a long transfer is a use of the server for as long as it moves. */
  sweep(now: number): void {
    const { serverId } = this.target;
    if (!this.#moved || serverId === undefined) return;
    // An answer without a length may be a stream of events, which a tab keeps open by itself.
    const work = !this.requestBody.done || (this.#answer?.fields.contentLength ?? -1) > 0;
    this.#moved = false;
    this.#context.activity.note(serverId, now, work);
  }

  /** The client took what was written to it. */
  onClientDrain(): void {
    this.#upstream?.socket.resume();
  }

  onDeadline(kind: 'connect' | 'answer' | 'hub'): void {
    const isHub = this.target.address === undefined;
    if (kind === 'connect' && isHub) this.#waitForHub();
    else if (kind !== 'answer') this.#refused(undefined);
    else {
      this.#tell('info', 'takes too long to answer');
      this.#fail(PROBLEMS.serverSlow);
    }
  }

  onUpstreamOpen(): void {
    const { socket } = this.#upstream!;
    this.#opened = true;
    if (this.requestBody.done) this.#connection.expect('answer', this.#context.limits.answerTimeoutMs);
    else this.#connection.expect('body', this.#context.limits.stallTimeoutMs);
    const early = this.#held?.release();
    if (early === undefined || early.length === 0) {
      socket.write(this.#requestHead(), 'latin1');
      return;
    }
    socket.cork();
    socket.write(this.#requestHead(), 'latin1');
    for (const chunk of early) socket.write(chunk);
    socket.uncork();
    if (socket.writableLength === 0 || !socket.writableNeedDrain) this.#connection.resume(UPSTREAM);
    else this.#connection.pause(UPSTREAM);
  }

  onUpstreamDrain(): void {
    this.#connection.resume(UPSTREAM);
  }

  onUpstreamData(chunk: Buffer): void {
    if (this.#answerBody) return this.#takeAnswer(chunk, 0);
    const heldBytes = this.#beginning?.length ?? 0;
    const bytes = this.#beginning ? Buffer.concat([this.#beginning, chunk]) : chunk;
    let at = 0;
    let from = Math.max(0, heldBytes - 3);
    while (true) {
      let text = firstText(bytes, at);
      const inText = text.indexOf('\r\n\r\n');
      const end = inText >= 0 ? at + inText : bytes.indexOf(HEAD_END, from);
      const size = (end < 0 ? bytes.length : end + 4) - at;
      if (size > this.#context.limits.headBytes) return this.#malformed('the head of the answer is too large');
      if (end < 0) {
        this.#beginning = Buffer.from(bytes.subarray(at));
        return;
      }
      text = inText >= 0 ? text.slice(0, inText + 4) : bytes.toString('latin1', at, end + 4);
      const head = parseResponseHead(text, isOfServer(this.#context, this.target));
      if (typeof head === 'string') return this.#malformed(head);
      const begin = at;
      at = end + 4;
      from = at;
      if (head.status === 101) return this.#switch(head, bytes.subarray(at));
      if (head.status >= 200) return this.#beginAnswer(head, bytes, at, begin);
      if (++this.#interim > MAX_INTERIM) return this.#malformed('too many interim answers');
      if (this.head.minor === 1) {
        this.#connection.socket.write(`HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields.kept}\r\n`, 'latin1');
      }
    }
  }

  onUpstreamEnd(): void {
    if (this.#answerBody?.untilClose) this.#finish(false);
    else this.#lost(undefined);
  }

  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    this.#lost(error);
  }

  /** @param freshMs how long a kept connection may have been idle; 0 for a new one */
  #connect(freshMs: number, now: number): void {
    const { pool, limits } = this.#context;
    this.#opened = false;
    const { address = this.#hubAddress(), key } = this.target;
    this.#upstream = pool.acquire(address, key || addressKey(address), this, freshMs, now);
    if (this.#upstream.open) this.onUpstreamOpen();
    else this.#connection.expect('connect', limits.connectTimeoutMs);
  }

  #hubAddress(): Address {
    const { address, control, healthPath } = this.#context.hub!;
    return this.head.target === healthPath ? control : address;
  }

  #requestHead(): string {
    const { head } = this;
    const { standAlone } = this.#context;
    if (standAlone) return standAlone.requestHead(head, this.target, this.#connection, framingLines(head));
    const again = this.#again ? 'X-Atrium-Repeat: 1\r\n' : '';
    return `${head.method} ${head.target}${this.#connection.linesFor(head)}${again}X-Request-Id: ${this.requestId}\r\n\r\n`;
  }

  #sendBody(bytes: Buffer): void {
    const held = this.#held!;
    held.note(bytes);
    this.#moved = true;
    if (!this.#opened) {
      if (!held.hold(bytes)) this.#connection.pause(UPSTREAM);
    } else if (this.#upstream && !this.#connection.reads.pass(this.#upstream.socket, bytes)) {
      this.#connection.pause(UPSTREAM);
    }
  }

  /**
   * @param begin where the head begins in `bytes`
   * @param at where it ends
   */
  #beginAnswer(head: ResponseHead, bytes: Buffer, at: number, begin: number): void {
    const request = this.head;
    const { fields, status } = head;
    const body = BodyReader.ofResponse(fields, status, request.method);
    this.#answer = head;
    this.#answerBody = body;
    this.#beginning = undefined;
    if (this.requestBody.done) this.#connection.expect('nothing', 0);
    this.#answered(status);
    this.#noteActivity(status);
    const { standAlone } = this.#context;
    const own = this.#connection.ownLines(request.host);
    let untouched = head.untouched && own === '';
    if (standAlone) {
      const kept = standAlone.answerFields(fields.kept, status, request, this.target);
      untouched &&= kept === fields.kept;
      fields.kept = kept;
      standAlone.onAnswer(status);
    }

    // A client of HTTP/1.0 knows no chunks: they are taken apart, and the end of the connection is the end of the body.
    const unchunk = fields.chunked && request.minor === 0;
    this.#keepClient = request.keepAlive && !request.upgrade && !body.untilClose && !unchunk && !this.#context.leaving;
    // Mostly the server's own bytes will do, head and all.
    const asFramed = fields.chunked ? !body.done : status !== 204;
    if (untouched && this.#keepClient && request.minor === 1 && asFramed) return this.#passAnswer(bytes, begin, at);
    let framing = '';
    if (fields.contentLength >= 0 && status !== 204) framing = `Content-Length: ${fields.contentLength}\r\n`;
    else if (fields.chunked && !body.done && !unchunk) framing = 'Transfer-Encoding: chunked\r\n';
    if (!this.#keepClient) framing += 'Connection: close\r\n';
    else if (request.minor === 0) framing += 'Connection: keep-alive\r\n';
    const text = `HTTP/1.1 ${status} ${head.reason}\r\n${own}${fields.kept}${framing}\r\n`;

    const { socket } = this.#connection;
    const rest = bytes.length - at;
    if (unchunk) {
      body.onContent = (content) => this.#toClient(content);
      socket.write(text, 'latin1');
    } else if (rest > 0 && rest <= ONE_WRITE && !fields.chunked) {
      const end = body.read(bytes, at);
      const whole = Buffer.allocUnsafe(text.length + body.rawEnd - at);
      whole.write(text, 'latin1');
      bytes.copy(whole, text.length, at, body.rawEnd);
      this.#wait(writeTo(socket, whole));
      if (body.done) this.#finish(end < bytes.length);
      return;
    } else {
      socket.cork();
      socket.write(text, 'latin1');
    }
    if (rest > 0) this.#takeAnswer(bytes, at);
    else if (body.done) this.#finish(false);
    // At once, body or not: the first event of a stream may be a minute away.
    socket.uncork();
  }

  #passAnswer(bytes: Buffer, begin: number, at: number): void {
    const body = this.#answerBody!;
    const end = body.read(bytes, at);
    if (end < 0) return this.#malformed('bad chunk framing in the answer');
    this.#toClient(begin === 0 && body.rawEnd === bytes.length ? bytes : bytes.subarray(begin, body.rawEnd));
    if (body.tail !== '') this.#connection.socket.write(body.tail, 'latin1');
    if (body.done) this.#finish(end < bytes.length);
  }

  #takeAnswer(chunk: Buffer, at: number): void {
    const body = this.#answerBody!;
    const end = body.read(chunk, at);
    if (end < 0) return this.#malformed('bad chunk framing in the answer');
    if (!body.onContent) {
      if (body.rawEnd > at)
        this.#toClient(at === 0 && body.rawEnd === chunk.length ? chunk : chunk.subarray(at, body.rawEnd));
      if (body.tail !== '') this.#connection.socket.write(body.tail, 'latin1');
    }
    if (body.done) this.#finish(end < chunk.length);
  }

  #toClient(bytes: Buffer): void {
    if (bytes.length > 0) this.#wait(this.#context.pool.buffers.pass(this.#connection.socket, bytes));
  }

  /** @param ready the client's connection takes more */
  #wait(ready: boolean): void {
    this.#moved = true;
    if (ready || !this.#upstream) return;
    this.#upstream.socket.pause();
    this.#connection.expect('taking', this.#context.limits.stallTimeoutMs);
  }

  /** @param leftover the server sent more than its answer, so the connection cannot be trusted with another */
  #finish(leftover: boolean): void {
    const upstream = this.#upstream!;
    const { pool, clock } = this.#context;
    const now = clock.now();
    this.#over = true;
    this.#upstream = undefined;
    // Neither path nor query: they may hold what opens somebody's server.
    this.#context.log.debug(
      {
        requestId: this.requestId,
        method: this.head.method,
        status: this.#answer!.status,
        to: this.target.serverId ?? 'hub',
        ms: now - this.startedAt,
      },
      'request passed on',
    );
    if (this.#context.access) this.#connection.logged(this, this.#answer!.status, false);
    if (leftover) this.#tell('info', 'sent more than its answer');
    const clean = !leftover && this.requestBody.done && this.#answer!.keepAlive && !this.#answerBody!.untilClose;
    if (clean) {
      // Paused while the client was slow; idle, it must hear the server close.
      upstream.socket.resume();
      pool.release(upstream, announcedIdle(this.#answer!.fields.keepAlive), now);
    } else pool.discard(upstream);
    this.#connection.exchangeDone(this.#keepClient && this.requestBody.done, now);
  }

  #malformed(reason: string): void {
    this.#tell('warn', 'gave an answer that cannot be read', { reason });
    this.#fail(PROBLEMS.serverMalformed);
  }

  #tell(level: 'info' | 'warn', what: string, facts?: object): void {
    tellOf(this.#context, this.target, this.requestId, level, what, facts);
  }

  /** The connection to the server ended before its answer did. */
  #lost(error: NodeJS.ErrnoException | undefined): void {
    const upstream = this.#upstream;
    if (this.#over || !upstream) return;
    this.#upstream = undefined;
    this.#context.pool.discard(upstream);
    const isHub = this.target.address === undefined;
    if (!this.#opened) {
      if (error?.code === 'EAGAIN') return this.#connectLater();
      if (isHub) return this.#waitForHub();
      return this.#refused(error);
    }
    const untouched = this.#beginning === undefined && this.#answer === undefined && this.#interim === 0;
    const { method } = this.head;
    if (untouched && !this.#hasBody) {
      if (upstream.reused && !this.#repeated && IDEMPOTENT.has(method)) {
        this.#repeated = true;
        return this.#connect(0, this.#context.clock.now());
      }
    }
    if (untouched && isHub && this.requestBody.done && !this.head.upgrade && (!this.#held || this.#held.rewind())) {
      // Asking twice comes to the same, or the hub is told and decides: it may be killed without anybody noticing.
      if (this.#hasBody || !IDEMPOTENT.has(method)) this.#again = true;
      // That it worked on this one costs it no time.
      this.#hubWait = undefined;
      return this.#waitForHub(this.#context.clock.now());
    }
    this.#tell('info', 'broke off its answer', { err: error });
    this.#fail(isHub ? PROBLEMS.hubBroke : PROBLEMS.serverBroke);
  }

  /** A Unix socket whose queue is full says so at once, where TCP would let one wait. */
  #connectLater(): void {
    const { clock, limits } = this.#context;
    if (clock.now() - this.startedAt > limits.connectTimeoutMs) {
      return this.target.address === undefined ? this.#waitForHub() : this.#refused(undefined);
    }
    void clock.sleep(BUSY_RETRY_MS).then(() => {
      if (!this.#over) this.#connect(0, clock.now());
    });
  }

  /** @param since when there was no hub for the first time */
  #waitForHub(since = this.startedAt): void {
    const { clock, pool } = this.#context;
    if (this.#upstream) pool.discard(this.#upstream);
    this.#upstream = undefined;
    this.#hubWait ??= new HubWait(this.#context, since);
    const left = this.#hubWait.wait(() => this.#connect(0, clock.now()));
    if (left === 0) this.#refused(undefined);
    else this.#connection.expect('hub', left);
  }

  /** It was not reached. @param error of the last try */
  #refused(error: Error | undefined): void {
    this.#tell('info', 'does not accept connections', { err: error });
    this.#fail(this.target.address === undefined ? this.#hubProblem() : PROBLEMS.serverGone);
  }

  /** Once a hub has had the request, nobody knows what became of it. */
  #hubProblem(): Problem {
    return this.#again ? PROBLEMS.hubBroke : PROBLEMS.hubGone;
  }

  #fail(problem: Problem): void {
    const begun = this.#answer !== undefined;
    this.abort();
    // Half an answer cannot be mended; an end without an end tells the client.
    if (begun) this.#connection.destroy();
    else this.#connection.failExchange(problemWith(problem, kindOf(this.#context, this.target)));
  }

  #switch(head: ResponseHead, early: Buffer): void {
    if (!this.head.upgrade || head.fields.upgrade !== 'websocket') return this.#malformed('a 101 nobody asked for');
    const upstream = this.#upstream!;
    this.#over = true;
    this.#upstream = undefined;
    this.#answered(101);
    this.#noteActivity(101);
    upstream.detach();
    const connection = this.#connection;
    const { socket: client, reads, early: sent, counted } = connection.detach();
    const text = `HTTP/1.1 101 ${head.reason}\r\n${head.fields.kept}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const splice = new Splice(
      this.#context,
      client,
      reads,
      upstream,
      this.target.serverId,
      relativePath(this.head.target, this.target.prefix),
      isOfServer(this.#context, this.target) ? tokensIn(this.head) : [],
      counted ? connection.peer : undefined,
      // What this closure holds is too much for thousands of idle websockets whose end nobody wants to hear of.
      this.#context.access && (() => connection.logged(this, 101, false)),
    );
    splice.start(text, early, sent);
  }

  #answered(status: number): void {
    const { clock, counts } = this.#context;
    this.answeredAt = clock.now();
    counts.passedOn(this.kind, status, this.answeredAt - this.startedAt);
  }

  /** The use of a server, when its answer begins; only what it was good for counts (contract §6.2). */
  #noteActivity(status: number): void {
    const { serverId, prefix } = this.target;
    if (serverId === undefined || status >= 300) return;
    // Whether a websocket is work shows in what is sent on it: a tab opens one by itself.
    const work = status !== 101 && isWork(this.head.method, relativePath(this.head.target, prefix));
    this.#context.activity.note(serverId, this.startedAt, work);
  }
}
