import type { AppContext } from '../context.ts';
import { findServerById, isReady, readEvents, type Server, type ServerEvent } from '../servers/servers.service.ts';

/** A stream that wants to know what happens to one start. */
export interface Follower {
  events(events: readonly ServerEvent[]): void;
  /** The start is over although no event said so: replaced by another one, or removed. */
  lost(): void;
}

interface Watched {
  server: Server;
  followers: Set<Follower>;
  lastId: number;
  story: ServerEvent[];
  busy: boolean;
  again: boolean;
}

/** A wake-up is only a hint (architecture §3), so every start that is followed is looked at this often anyway, ms. */
const SAFETY_POLL = 10_000;

/**
 * Tells any number of streams about starts: one query per change and start, however many follow it, and none while
 * nothing happens but the safety poll.
 */
export class ProgressFeed {
  readonly #ctx: AppContext;
  readonly #watched = new Map<string, Watched>();
  readonly #stopListening: () => void;
  readonly #closing = new AbortController();

  constructor(ctx: AppContext) {
    this.#ctx = ctx;
    this.#stopListening = ctx.wakeups.on('progress', (id) => this.#look(id));
    void this.#pollNowAndThen();
  }

  /** Tells the story so far at once, then what follows. Returns the function that ends it. */
  async follow(server: Server, follower: Follower): Promise<() => void> {
    const key = server.id;
    let watched = this.#watched.get(key);
    if (!watched || watched.server.generation !== server.generation) {
      watched = { server, followers: new Set(), lastId: 0, story: [], busy: false, again: false };
      this.#watched.set(key, watched);
    }
    const { followers } = watched;
    if (watched.story.length > 0) follower.events(watched.story);
    followers.add(follower);
    await this.#read(watched);
    return () => {
      followers.delete(follower);
      if (followers.size === 0 && this.#watched.get(key)?.followers === followers) this.#watched.delete(key);
    };
  }

  #look(id: string): void {
    const watched = this.#watched.get(id);
    if (!watched) return;
    this.#read(watched).catch((err) => this.#ctx.log.warn({ err, server: id }, 'progress not read; will look again'));
  }

  async #read(watched: Watched): Promise<void> {
    watched.again = true;
    if (watched.busy) return;
    watched.busy = true;
    try {
      while (watched.again) {
        watched.again = false;
        const { id, generation } = watched.server;
        const fresh = await readEvents(this.#ctx.db, id, generation, watched.lastId);
        if (fresh.length === 0) continue;
        watched.lastId = fresh.at(-1)?.id ?? watched.lastId;
        watched.story.push(...fresh);
        for (const follower of [...watched.followers]) follower.events(fresh);
      }
    } finally {
      watched.busy = false;
    }
  }

  async #pollNowAndThen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#ctx.clock.sleep(SAFETY_POLL, signal).catch(() => {});
      for (const watched of [...this.#watched.values()]) {
        if (signal.aborted) return;
        await this.#check(watched).catch((err) => this.#ctx.log.warn({ err }, 'progress not read; will look again'));
      }
    }
  }

  async #check(watched: Watched): Promise<void> {
    await this.#read(watched);
    if (watched.followers.size === 0) return;
    const now = await findServerById(this.#ctx.db, watched.server.id);
    if (now && isGoing(now, watched.server.generation)) return;
    // Whatever the terminal event was, it is in the rows by now; read once more before giving up.
    await this.#read(watched);
    for (const follower of [...watched.followers]) follower.lost();
  }

  close(): void {
    this.#closing.abort();
    this.#stopListening();
    this.#watched.clear();
  }
}

/** Whether that start is under way, or still waits for the stop before it. */
function isGoing(server: Server, generation: number): boolean {
  const { desired, phase } = server;
  if (server.generation === generation - 1) return desired === 'running' && phase === 'stopping';
  return server.generation === generation && (desired === 'running' || phase !== 'stopped') && !isReady(server);
}
