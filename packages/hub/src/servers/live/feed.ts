import type { AppContext } from '../../context.ts';
import { isActive } from '../server.ts';
import {
  type LiveServer,
  listLastActivity,
  liveOf,
  lookAtUsage,
  readLiveTable,
  type Used,
  usageOf,
} from './live.service.ts';

/** A row of the table, with whose it is. */
export interface TableRow extends LiveServer {
  groups: readonly string[];
}

/** Somebody who looks at the table. */
export interface TableFollower {
  /** All rows, once; then those that changed. */
  rows(rows: readonly TableRow[]): void;
  /** These are not in it any more. */
  gone(rows: readonly TableRow[]): void;
  /** What changes all the time: what servers use, and when they were last active, ms. */
  pulse(rows: readonly { row: TableRow; used: Used | null; lastActivity: number | null }[]): void;
}

/** Changes come in swarms (a class starts): they are read together; ms. */
const GATHER_MS = 200;
/** A wake-up is only a hint, so everything is read anew this often while somebody looks; ms. */
const SAFETY_MS = 15_000;
/** How often use and activity are told, ms. */
const PULSE_MS = 10_000;

/** Tells any number of followers about all servers: one reading for all of them, and none while nobody looks. */
export class LiveFeed {
  readonly #ctx: AppContext;
  readonly #followers = new Set<{ follower: TableFollower; begun: boolean }>();
  readonly #closing = new AbortController();
  readonly #unlisten: (() => void)[];
  #table = new Map<string, { row: TableRow; text: string }>();
  #dirty = new Set<string>();
  #everything = false;
  /** The first reading since somebody looks. */
  #loaded: Promise<void> | undefined;
  #work: Promise<void> = Promise.resolve();
  #gathering = false;
  #looping = false;

  constructor(ctx: AppContext) {
    this.#ctx = ctx;
    const changed = (id: string) => this.#note(id);
    this.#unlisten = [ctx.wakeups.on('servers', changed), ctx.wakeups.on('progress', changed)];
  }

  /** Tells the whole table, then what changes. Returns the function that ends it. */
  async follow(follower: TableFollower): Promise<() => void> {
    const entry = { follower, begun: false };
    const end = () => {
      this.#followers.delete(entry);
      if (this.#followers.size > 0) return;
      this.#loaded = undefined;
      this.#table.clear();
    };
    // From now on changes are noted, so that none falls between the reading and the first answer.
    this.#followers.add(entry);
    try {
      this.#loaded ??= this.#load();
      await this.#loaded;
    } catch (err) {
      end();
      throw err;
    }
    follower.rows([...this.#table.values()].map(({ row }) => row));
    entry.begun = true;
    if (!this.#looping) void this.#loop();
    return end;
  }

  async #load(): Promise<void> {
    await lookAtUsage(this.#ctx).catch((err) => this.#failed(err));
    this.#everything = true;
    await this.#turn();
  }

  #begun(): TableFollower[] {
    return [...this.#followers].flatMap(({ follower, begun }) => (begun ? [follower] : []));
  }

  #note(id: string): void {
    if (this.#followers.size === 0) return;
    if (id === '') this.#everything = true;
    else this.#dirty.add(id);
    if (this.#gathering) return;
    this.#gathering = true;
    void this.#ctx.clock
      .sleep(GATHER_MS, this.#closing.signal)
      .then(() => {
        this.#gathering = false;
        return this.#turn();
      })
      .catch((err) => this.#failed(err));
  }

  /** One reading at a time. */
  #turn(): Promise<void> {
    const next = this.#work.catch(() => {}).then(() => this.#read());
    this.#work = next;
    return next;
  }

  async #read(): Promise<void> {
    const all = this.#everything;
    const asked = new Set(this.#dirty);
    this.#everything = false;
    this.#dirty = new Set();
    if (!all) {
      if (asked.size === 0) return;
      // Whoever leaves the queue moves all the others.
      for (const [id, { row }] of this.#table) if (row.server.phase === 'queued') asked.add(id);
    }
    const found = await readLiveTable(this.#ctx, all ? undefined : [...asked]);
    const fresh = new Map<string, { row: TableRow; text: string }>();
    for (const { server, groups } of found) {
      const row = { ...(await liveOf(this.#ctx, server)), groups };
      fresh.set(server.id, { row, text: textOf(row) });
    }
    const gone = [...(all ? this.#table.keys() : asked)].filter((id) => this.#table.has(id) && !fresh.has(id));
    const changed = [...fresh].filter(([id, { text }]) => this.#table.get(id)?.text !== text);
    const left = gone.flatMap((id) => this.#table.get(id)?.row ?? []);
    for (const id of gone) this.#table.delete(id);
    for (const [id, entry] of fresh) this.#table.set(id, entry);
    for (const follower of this.#begun()) {
      if (left.length > 0) follower.gone(left);
      if (changed.length > 0) follower.rows(changed.map(([, { row }]) => row));
    }
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    const { clock } = this.#ctx;
    const { signal } = this.#closing;
    let readAt = clock.now();
    try {
      while (!signal.aborted && this.#followers.size > 0) {
        await clock.sleep(PULSE_MS, signal).catch(() => {});
        if (signal.aborted || this.#followers.size === 0) break;
        if (clock.now() - readAt >= SAFETY_MS) {
          readAt = clock.now();
          this.#everything = true;
          await this.#turn().catch((err) => this.#failed(err));
        }
        await this.#pulse().catch((err) => this.#failed(err));
      }
    } finally {
      this.#looping = false;
    }
  }

  async #pulse(): Promise<void> {
    await lookAtUsage(this.#ctx);
    const active = await listLastActivity(this.#ctx.db);
    const rows = [...this.#table.values()]
      .filter(({ row }) => row.server.phase === 'ready')
      .map(({ row }) => ({
        row,
        used: usageOf(this.#ctx, row.server.id, row.server.generation),
        lastActivity: active.get(row.server.id) ?? row.server.lastActivity,
      }));
    if (rows.length > 0) for (const follower of this.#begun()) follower.pulse(rows);
  }

  #failed(err: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#ctx.log.warn({ err }, 'servers not read for those who follow them; will look again');
  }

  close(): void {
    this.#closing.abort();
    for (const stop of this.#unlisten) stop();
    this.#followers.clear();
  }
}

/** What makes a row another one: not its activity and use, which are told by themselves. */
function textOf({ server, queuePlace }: TableRow): string {
  const { lastActivity: _, lastWork: __, address: ___, ...rest } = server;
  return JSON.stringify([rest, queuePlace, isActive(server)]);
}
