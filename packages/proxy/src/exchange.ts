import { BodyReader } from './body.ts';
import type { ClientConnection } from './connection.ts';
import type { ProxyContext } from './context.ts';
import { tokensIn } from './credentials.ts';
import { PROBLEMS, type Problem, problemWith } from './error-page.ts';
import { forwardedLines } from './forwarded.ts';
import { HEAD_END, parseResponseHead, type RequestHead, type ResponseHead } from './head.ts';
import type { Target } from './route-table.ts';
import { Splice } from './upgrade.ts';
import { announcedIdle, type Upstream, type UpstreamUser } from './upstream.ts';
import { isWork, relativePath } from './work.ts';

/** May be sent again without doing anything twice (RFC 9110 §9.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
/** A kept connection this young is hardly being closed just now; good enough for what cannot be sent twice. */
const YOUNG_MS = 1_000;
const BUSY_RETRY_MS = 25;
/** Held of a body while there is no connection yet; then the client waits. */
const MAX_EARLY = 256 * 1024;
const MAX_INTERIM = 16;
/** Held of what the hub was sent, to send it again when that hub was killed over it: a form, not a file. */
const MAX_REPEAT = 16 * 1024;
/** A head and a body of this size together are written in one go. */
const ONE_WRITE = 16 * 1024;

/** One request and its answer, from the client's connection to a server's and back. */
export class Exchange implements UpstreamUser {
  readonly head: RequestHead;
  readonly target: Target;
  readonly requestId: string;
  readonly requestBody: BodyReader;
  readonly #connection: ClientConnection;
  readonly #context: ProxyContext;
  readonly #startedAt: number;
  readonly #hasBody: boolean;
  #upstream: Upstream | undefined;
  #opened = false;
  #over = false;
  /** Body bytes that came before there was a connection. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #repeated = false;
  /** What the hub got of the body; undefined when that is too much to send again. */
  #sent: Buffer[] | undefined;
  #sentBytes = 0;
  /** The hub is asked again, and told so: it knows what may be done twice. */
  #again = false;
  /** Since when there is no hub for it; ms. A hub that is killed while it works on it costs it no time. */
  #hublessSince: number;
  #leaveGate: (() => void) | undefined;
  /** Bytes of an answer whose head is not complete. */
  #held: Buffer | undefined;
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
    this.#hasBody = !this.requestBody.done;
    this.#sent = target.address === undefined ? [] : undefined;
    this.#startedAt = now;
    this.#hublessSince = now;
  }

  start(): void {
    const repeatable = IDEMPOTENT.has(this.head.method) && !this.#hasBody;
    this.#connect(this.head.upgrade ? 0 : repeatable ? Number.MAX_SAFE_INTEGER : YOUNG_MS);
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
    if (body.done && this.#opened && !this.#answer)
      this.#connection.expect('answer', this.#context.limits.answerTimeoutMs);
    return end;
  }

  /** The client is gone. */
  abort(): void {
    this.#over = true;
    this.#leaveGate?.();
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
    if (kind === 'answer') this.#fail(PROBLEMS.serverSlow);
    else if (kind === 'connect' && isHub) this.#waitForHub();
    else this.#fail(isHub ? this.#hubProblem() : PROBLEMS.serverGone);
  }

  onUpstreamOpen(): void {
    const { socket } = this.#upstream!;
    this.#opened = true;
    if (this.requestBody.done) this.#connection.expect('answer', this.#context.limits.answerTimeoutMs);
    else this.#connection.expect('body', this.#context.limits.stallTimeoutMs);
    const early = this.#early;
    if (early.length === 0) {
      socket.write(this.#requestHead(), 'latin1');
      return;
    }
    socket.cork();
    socket.write(this.#requestHead(), 'latin1');
    for (const chunk of early) socket.write(chunk);
    socket.uncork();
    this.#early = [];
    if (!socket.writableNeedDrain) this.#connection.resume('upstream');
    else this.#connection.pause('upstream');
  }

  onUpstreamDrain(): void {
    this.#connection.resume('upstream');
  }

  onUpstreamData(chunk: Buffer): void {
    if (this.#answerBody) return this.#takeAnswer(chunk, 0);
    const heldBytes = this.#held?.length ?? 0;
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    let at = 0;
    let from = Math.max(0, heldBytes - 3);
    while (true) {
      const end = bytes.indexOf(HEAD_END, from);
      const size = (end < 0 ? bytes.length : end + 4) - at;
      if (size > this.#context.limits.headBytes) return this.#malformed('the head of the answer is too large');
      if (end < 0) {
        this.#held = at === 0 ? bytes : bytes.subarray(at);
        return;
      }
      const head = parseResponseHead(bytes.toString('latin1', at, end + 4), this.target.serverId !== undefined);
      if (typeof head === 'string') return this.#malformed(head);
      at = end + 4;
      from = at;
      if (head.status === 101) return this.#switch(head, bytes.subarray(at));
      if (head.status >= 200) return this.#beginAnswer(head, bytes, at);
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
  #connect(freshMs: number): void {
    const { pool, hub, control, healthPath, limits, clock } = this.#context;
    this.#opened = false;
    this.#upstream = pool.acquire(
      this.target.address ?? (this.head.target === healthPath ? control : hub),
      this,
      freshMs,
      clock.now(),
    );
    if (this.#upstream.open) this.onUpstreamOpen();
    else this.#connection.expect('connect', limits.connectTimeoutMs);
  }

  #requestHead(): string {
    const { head, requestId } = this;
    const { fields } = head;
    const connection = this.#connection;
    const host = head.host === '' ? connection.localHost() : head.host;
    const framing = fields.chunked
      ? 'Transfer-Encoding: chunked\r\n'
      : fields.contentLength >= 0
        ? `Content-Length: ${fields.contentLength}\r\n`
        : '';
    const expect = fields.expect !== '' && head.minor === 1 ? `Expect: ${fields.expect}\r\n` : '';
    const upgrade = head.upgrade ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
    const forwarded = forwardedLines(head, host, connection.peer, connection.trusted);
    const again = this.#again ? 'X-Atrium-Repeat: 1\r\n' : '';
    return `${head.method} ${head.target} HTTP/1.1\r\nHost: ${host}\r\n${fields.kept}${framing}${expect}${upgrade}${forwarded}${again}X-Request-Id: ${requestId}\r\n\r\n`;
  }

  #sendBody(bytes: Buffer): void {
    this.#sentBytes += bytes.length;
    if (this.#sentBytes > MAX_REPEAT) this.#sent = undefined;
    else this.#sent?.push(bytes);
    this.#moved = true;
    if (this.#opened) {
      if (this.#upstream && !this.#upstream.socket.write(bytes)) this.#connection.pause('upstream');
      return;
    }
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > MAX_EARLY) this.#connection.pause('upstream');
  }

  #beginAnswer(head: ResponseHead, bytes: Buffer, at: number): void {
    const request = this.head;
    const { fields, status } = head;
    const body = BodyReader.ofResponse(fields, status, request.method);
    this.#answer = head;
    this.#answerBody = body;
    this.#held = undefined;
    if (this.requestBody.done) this.#connection.expect('nothing', 0);
    this.#noteActivity(status);

    // A client of HTTP/1.0 knows no chunks: they are taken apart, and the end of the connection is the end of the body.
    const unchunk = fields.chunked && request.minor === 0;
    this.#keepClient = request.keepAlive && !request.upgrade && !body.untilClose && !unchunk && !this.#context.closing;
    let framing = '';
    if (fields.contentLength >= 0 && status !== 204) framing = `Content-Length: ${fields.contentLength}\r\n`;
    else if (fields.chunked && !body.done && !unchunk) framing = 'Transfer-Encoding: chunked\r\n';
    if (!this.#keepClient) framing += 'Connection: close\r\n';
    else if (request.minor === 0) framing += 'Connection: keep-alive\r\n';
    const text = `HTTP/1.1 ${status} ${head.reason}\r\n${fields.kept}${framing}\r\n`;

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
      this.#toClient(whole);
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
    this.#moved = true;
    if (bytes.length === 0 || this.#connection.socket.write(bytes) || !this.#upstream) return;
    this.#upstream.socket.pause();
    this.#connection.expect('taking', this.#context.limits.stallTimeoutMs);
  }

  /** @param leftover the server sent more than its answer, so the connection cannot be trusted with another */
  #finish(leftover: boolean): void {
    const upstream = this.#upstream!;
    const { pool, clock } = this.#context;
    this.#over = true;
    this.#upstream = undefined;
    // Neither path nor query: they may hold what opens somebody's server.
    this.#context.log.debug(
      {
        requestId: this.requestId,
        method: this.head.method,
        status: this.#answer!.status,
        to: this.target.serverId ?? 'hub',
        ms: clock.now() - this.#startedAt,
      },
      'request passed on',
    );
    const clean = !leftover && this.requestBody.done && this.#answer!.keepAlive && !this.#answerBody!.untilClose;
    if (clean) {
      // Paused while the client was slow; idle, it must hear the server close.
      upstream.socket.resume();
      pool.release(upstream, announcedIdle(this.#answer!.fields.keepAlive), clock.now());
    } else pool.discard(upstream);
    this.#connection.exchangeDone(this.#keepClient && this.requestBody.done);
  }

  #malformed(reason: string): void {
    const { serverId } = this.target;
    this.#context.log.warn(
      { reason, serverId, requestId: this.requestId },
      'a server gave an answer that cannot be read',
    );
    this.#fail(PROBLEMS.serverMalformed);
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
      const { serverId } = this.target;
      this.#context.log.debug(
        { err: error, serverId, requestId: this.requestId },
        'a server does not accept connections',
      );
      return this.#fail(PROBLEMS.serverGone);
    }
    const untouched = this.#held === undefined && this.#answer === undefined && this.#interim === 0;
    const { method } = this.head;
    if (untouched && !this.#hasBody) {
      if (upstream.reused && !this.#repeated && IDEMPOTENT.has(method)) {
        this.#repeated = true;
        return this.#connect(0);
      }
    }
    if (untouched && isHub && this.requestBody.done && this.#sent && !this.head.upgrade) {
      // Asking twice comes to the same, or the hub is told and decides: it may be killed without anybody noticing.
      if (this.#hasBody || !IDEMPOTENT.has(method)) this.#again = true;
      this.#hublessSince = this.#context.clock.now();
      this.#early = this.#sent;
      this.#earlyBytes = this.#sentBytes;
      return this.#waitForHub();
    }
    this.#fail(isHub ? PROBLEMS.hubBroke : PROBLEMS.serverBroke);
  }

  /** A Unix socket whose queue is full says so at once, where TCP would let one wait. */
  #connectLater(): void {
    const { clock, limits } = this.#context;
    if (clock.now() - this.#startedAt > limits.connectTimeoutMs) {
      return this.target.address === undefined ? this.#waitForHub() : this.#fail(PROBLEMS.serverGone);
    }
    void clock.sleep(BUSY_RETRY_MS).then(() => {
      if (!this.#over) this.#connect(0);
    });
  }

  #waitForHub(): void {
    const { clock, hubWaitMs, gate, pool } = this.#context;
    if (this.#upstream) pool.discard(this.#upstream);
    this.#upstream = undefined;
    const left = this.#hublessSince + hubWaitMs - clock.now();
    if (left <= 0) return this.#fail(this.#hubProblem());
    this.#connection.expect('hub', left);
    this.#leaveGate = gate.wait(() => {
      this.#leaveGate = undefined;
      this.#connect(0);
    });
  }

  /** Once a hub has had the request, nobody knows what became of it. */
  #hubProblem(): Problem {
    return this.#again ? PROBLEMS.hubBroke : PROBLEMS.hubGone;
  }

  /** Routes without a server are those of services. */
  #who(): 'hub' | 'server' | 'service' {
    const { address, serverId } = this.target;
    if (address === undefined) return 'hub';
    return serverId === undefined ? 'service' : 'server';
  }

  #fail(problem: Problem): void {
    const begun = this.#answer !== undefined;
    this.abort();
    // Half an answer cannot be mended; an end without an end tells the client.
    if (begun) this.#connection.destroy();
    else this.#connection.failExchange(problemWith(problem, this.#who()));
  }

  #switch(head: ResponseHead, early: Buffer): void {
    if (!this.head.upgrade || head.fields.upgrade !== 'websocket') return this.#malformed('a 101 nobody asked for');
    const upstream = this.#upstream!;
    this.#over = true;
    this.#upstream = undefined;
    this.#noteActivity(101);
    const server = upstream.detach();
    const { socket: client, early: sent } = this.#connection.detach();
    const text = `HTTP/1.1 101 ${head.reason}\r\n${head.fields.kept}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const splice = new Splice(
      this.#context,
      client,
      server,
      this.target.serverId,
      relativePath(this.head.target, this.target.prefix),
      this.target.serverId === undefined ? [] : tokensIn(this.head),
    );
    splice.start(text, early, sent);
  }

  /** The use of a server, when its answer begins; only what it was good for counts (contract §6.2). */
  #noteActivity(status: number): void {
    const { serverId, prefix } = this.target;
    if (serverId === undefined || status >= 300) return;
    // Whether a websocket is work shows in what is sent on it: a tab opens one by itself.
    const work = status !== 101 && isWork(this.head.method, relativePath(this.head.target, prefix));
    this.#context.activity.note(serverId, this.#startedAt, work);
  }
}
