import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AcmeChallenge, Address, Bar, Clock, FetchedTls, Log, Route, RouteMessage } from '@atrium/sdk';
import { Applied } from './applied.ts';
import { openControl } from './control.ts';
import { KeptFile } from './kept-file.ts';
import type { RouteTable, Target } from './route-table.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
/** Knocking at a socket of the same machine costs next to nothing, and a hub that restarts is wanted back at once. */
const LAST_LOCAL_RETRY_MS = 200;
/** A line may hold the whole table: 100,000 servers are some 20 MB. */
const MAX_LINE = 256 * 1024 * 1024;

export interface RouteStreamOptions {
  table: RouteTable;
  control: Address;
  tableFile: string;
  /** The hub sends a line every 5 s; a connection silent for this long is dead. */
  silenceMs: number;
  clock: Clock;
  log: Log;
  /** Targets that are no longer in the table. */
  onGone(targets: Target[]): void;
  /** Tokens that servers must not see any more, or may again; `all` when no others are kept from them. */
  onBars(bars: readonly Bar[], all: boolean): void;
  /** What the hub fetched of certificates, to be served when it is resolved. */
  onTls(fetched: FetchedTls): Promise<void>;
  /** Those that count now, for the copy on disk. */
  bars(): Bar[];
}

/**
 * Keeps the table as the hub has it: the copy on disk first, then the hub's stream, for as long as it runs. While no hub
 * answers the table stays as it was.
 */
export class RouteStream implements AsyncDisposable {
  /** A hub has spoken on the present connection. */
  connected = false;
  readonly #options: RouteStreamOptions;
  readonly #stop = new AbortController();
  /** How hubs tell this proxy from others that follow their routes. */
  readonly name = randomBytes(6).toString('base64url');
  /** When a hub last spoke, or this one was started; ms since the epoch. */
  heardAt: number;
  readonly #applied: Applied;
  #running: Promise<void> = Promise.resolve();
  readonly #file: KeptFile;
  readonly #heard = new AbortController();

  constructor(options: RouteStreamOptions) {
    this.#options = options;
    this.heardAt = options.clock.now();
    this.#applied = new Applied(options.control, this.name, this.#stop.signal);
    const { table, tableFile: path, bars, clock, log } = options;
    const text = () => JSON.stringify({ version: table.version, routes: table.routes(), bars: bars() });
    this.#file = new KeptFile({ path, text, clock, log });
  }

  start(): void {
    this.#load();
    this.#running = this.#run();
  }

  /** Until a hub has said its routes, or that none answers is known; at most `ms`. */
  async firstWord(ms: number): Promise<void> {
    const { signal } = this.#heard;
    if (!signal.aborted) await this.#options.clock.sleep(ms, signal).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#file[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const { clock, log, control, table } = this.#options;
    const { signal } = this.#stop;
    let retry = FIRST_RETRY_MS;
    let failures = 0;
    let told = false;
    while (!signal.aborted) {
      try {
        const since = table.version === undefined ? '' : `&since=${table.version}`;
        await this.#follow(`/routes?proxy=${this.name}${since}`, () => {
          this.#heard.abort();
          retry = FIRST_RETRY_MS;
          failures = 0;
          if (told) log.info({ version: table.version }, 'the hub answers again');
          told = false;
        });
      } catch (err) {
        if (signal.aborted) break;
        this.connected = false;
        this.#heard.abort();
        failures++;
        // Once per outage, and not for the blink of a restart.
        if (!told && failures > 5) {
          log.warn({ err, control }, 'no hub answers; serving the routes known so far');
          told = true;
        }
      }
      await clock.sleep(retry, signal).catch(() => undefined);
      retry = Math.min(retry * 2, control.kind === 'unix' ? LAST_LOCAL_RETRY_MS : LAST_RETRY_MS);
    }
  }

  /** Applies lines until the connection ends, which is always an error. */
  async #follow(path: string, onLine: () => void): Promise<never> {
    const { clock, control, silenceMs, table } = this.#options;
    const ended = new AbortController();
    let heard = clock.now();
    const watch = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        await clock.sleep(silenceMs / 4, ended.signal).catch(() => undefined);
        if (clock.now() - heard >= silenceMs) ended.abort(new Error('the route stream fell silent'));
      }
    };
    const watching = watch();
    try {
      const stream = await openControl(
        control,
        'GET',
        path,
        undefined,
        AbortSignal.any([this.#stop.signal, ended.signal]),
      );
      let rest = '';
      this.#applied.forget();
      stream.setEncoding('utf8');
      for await (const text of stream as AsyncIterable<string>) {
        heard = clock.now();
        this.heardAt = heard;
        rest += text;
        if (!text.includes('\n')) {
          if (rest.length > MAX_LINE) throw new Error('a line of the route stream has no end');
          continue;
        }
        const lines = rest.split('\n');
        rest = lines.pop()!;
        for (const line of lines) if (line.trim() !== '') await this.#apply(parseMessage(line));
        this.#applied.note(table.version);
        this.connected = true;
        onLine();
      }
      throw new Error('the route stream ended');
    } finally {
      ended.abort();
      await watching;
      this.connected = false;
    }
  }

  async #apply(message: RouteMessage): Promise<void> {
    if (message.type === 'ping') return;
    const gone = this.#options.table.apply(message);
    if (gone.length > 0) this.#options.onGone(gone);
    const barsChanged = this.#applyBars(message);
    if (message.tls) await this.#takeTls(message.tls);
    if (message.type === 'snapshot' || message.set.length + message.delete.length > 0 || barsChanged) this.#file.save();
  }

  /** Certificates are on disk before the next line is read; a disk that is full keeps nobody from new routes. */
  async #takeTls(fetched: FetchedTls): Promise<void> {
    const { log, onTls } = this.#options;
    await onTls(fetched).catch((err) => log.error({ err }, 'a certificate from the hub is not served'));
  }

  /** Whether there was, or is, anything to keep: nearly always nobody is barred, and a reconnect then writes nothing. */
  #applyBars({ bars, allBars }: Exclude<RouteMessage, { type: 'ping' }>): boolean {
    if (!bars) return false;
    const before = this.#options.bars().length;
    this.#options.onBars(bars, allBars === true);
    return before + bars.length > 0;
  }

  #load(): void {
    const { table, tableFile, log, onBars } = this.#options;
    // Kept apart from the stream's directory check: a first start has neither file nor folder.
    mkdirSync(dirname(tableFile), { recursive: true, mode: 0o700 });
    try {
      const saved = JSON.parse(readFileSync(tableFile, 'utf8'));
      const known = checkMessage({ ...saved, type: 'snapshot' }) as Extract<RouteMessage, { type: 'snapshot' }>;
      table.apply(known);
      // Servers remember the token as long whether or not the proxy was started again. Older files have none.
      if (known.bars) onBars(known.bars, true);
      log.info({ version: table.version, routes: table.routes().length }, 'routes read from disk');
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') {
        log.warn({ err, tableFile }, 'the routes on disk are not readable; the hub will send them');
      }
    }
  }
}

function parseMessage(line: string): RouteMessage {
  return checkMessage(JSON.parse(line));
}

/** The hub is trusted; a file cut short, or a hub of another version, is not taken for a table. */
function checkMessage(value: unknown): RouteMessage {
  const message = value as RouteMessage;
  if (!Number.isSafeInteger(message?.version)) throw new Error('a route message has no version');
  if (message.type === 'ping') return message;
  const routes: unknown = message.type === 'snapshot' ? message.routes : message.type === 'change' ? message.set : null;
  if (!Array.isArray(routes) || !routes.every(isRoute)) throw new Error('a route message has malformed routes');
  if (message.type === 'change' && !(Array.isArray(message.delete) && message.delete.every(isPath))) {
    throw new Error('a route message has malformed deletions');
  }
  if (message.bars !== undefined && !(Array.isArray(message.bars) && message.bars.every(isBar))) {
    throw new Error('a route message has malformed bars');
  }
  if (message.tls !== undefined && !isFetched(message.tls))
    throw new Error('a route message has malformed certificates');
  if (message.allBars === true && message.bars === undefined) throw new Error('a route message has no bars');
  return message;
}

function isBar(value: unknown): value is Bar {
  const { serverId, token, until } = (value ?? {}) as Partial<Bar>;
  return typeof serverId === 'string' && typeof token === 'string' && typeof until === 'number';
}

function isFetched(value: unknown): value is FetchedTls {
  const { certificate, challenges } = (value ?? {}) as Partial<FetchedTls>;
  return (
    (certificate === undefined || isPair(certificate)) && Array.isArray(challenges) && challenges.every(isChallenge)
  );
}

function isPair(value: unknown): boolean {
  const { chain, key } = (value ?? {}) as { chain?: unknown; key?: unknown };
  return typeof chain === 'string' && typeof key === 'string';
}

function isChallenge(value: unknown): value is AcmeChallenge {
  const challenge = (value ?? {}) as Partial<AcmeChallenge>;
  if (challenge.kind === 'http-01') return typeof challenge.token === 'string' && typeof challenge.answer === 'string';
  return challenge.kind === 'tls-alpn-01' && typeof challenge.domain === 'string' && isPair(challenge);
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.includes('/');
}

function isRoute(value: unknown): value is Route {
  const { path, target, serverId } = (value ?? {}) as Partial<Route>;
  if (!isPath(path) || !(serverId === undefined || typeof serverId === 'string')) return false;
  if (target?.kind === 'unix') return typeof target.path === 'string';
  if (target?.kind === 'tcp') return typeof target.host === 'string' && Number.isInteger(target.port);
  return target?.kind === 'hub';
}
