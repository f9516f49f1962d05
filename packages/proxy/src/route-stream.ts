import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Address, Bar, Clock, Log, Route, RouteMessage } from '@atrium/sdk';
import { openControl } from './control.ts';
import type { RouteTable, Target } from './route-table.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
/** Knocking at a socket of the same machine costs next to nothing, and a hub that restarts is wanted back at once. */
const LAST_LOCAL_RETRY_MS = 200;
/** The table on disk is this old at most, ms: a class that starts writes it a few times, not once per server. */
const SAVE_EVERY_MS = 250;
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
  #running: Promise<void> = Promise.resolve();
  #saving: Promise<void> | undefined;
  #unsaved = false;

  constructor(options: RouteStreamOptions) {
    this.#options = options;
  }

  start(): void {
    this.#load();
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#saving;
  }

  async #run(): Promise<void> {
    const { clock, log, control, table } = this.#options;
    const { signal } = this.#stop;
    let retry = FIRST_RETRY_MS;
    let failures = 0;
    let told = false;
    while (!signal.aborted) {
      try {
        const since = table.version === undefined ? '' : `?since=${table.version}`;
        await this.#follow(`/routes${since}`, () => {
          retry = FIRST_RETRY_MS;
          failures = 0;
          if (told) log.info({ version: table.version }, 'the hub answers again');
          told = false;
        });
      } catch (err) {
        if (signal.aborted) break;
        this.connected = false;
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
    const { clock, control, silenceMs } = this.#options;
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
      stream.setEncoding('utf8');
      for await (const text of stream as AsyncIterable<string>) {
        heard = clock.now();
        rest += text;
        if (!text.includes('\n')) {
          if (rest.length > MAX_LINE) throw new Error('a line of the route stream has no end');
          continue;
        }
        const lines = rest.split('\n');
        rest = lines.pop()!;
        for (const line of lines) if (line.trim() !== '') this.#apply(parseMessage(line));
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

  #apply(message: RouteMessage): void {
    if (message.type === 'ping') return;
    const gone = this.#options.table.apply(message);
    if (gone.length > 0) this.#options.onGone(gone);
    const barsChanged = this.#applyBars(message);
    if (message.type === 'snapshot' || message.set.length + message.delete.length > 0 || barsChanged) this.#save();
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

  /** Writes the newest table; changes that come meanwhile and a little later are written together afterwards. */
  #save(): void {
    this.#unsaved = true;
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
    });
  }

  async #write(): Promise<void> {
    const { table, tableFile, log, clock, bars } = this.#options;
    const temporary = `${tableFile}.${process.pid}.tmp`;
    while (this.#unsaved) {
      this.#unsaved = false;
      try {
        const file = await open(temporary, 'w', 0o600);
        try {
          await file.writeFile(JSON.stringify({ version: table.version, routes: table.routes(), bars: bars() }));
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, tableFile);
      } catch (err) {
        log.warn({ err, tableFile }, 'the routes could not be kept on disk');
        await rm(temporary, { force: true }).catch(() => undefined);
      }
      await clock.sleep(SAVE_EVERY_MS, this.#stop.signal).catch(() => undefined);
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
  if (message.allBars === true && message.bars === undefined) throw new Error('a route message has no bars');
  return message;
}

function isBar(value: unknown): value is Bar {
  const { serverId, token, until } = (value ?? {}) as Partial<Bar>;
  return typeof serverId === 'string' && typeof token === 'string' && typeof until === 'number';
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
