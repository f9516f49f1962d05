import type { ActivityReport, Address, Clock, Log } from '@atrium/sdk';
import { openControl } from './control.ts';

/** What is known of one server since the last report that arrived. Times are ms since the epoch, 0 for never. */
export interface ActivityEntry {
  lastActivity: number;
  lastWork: number;
}

export interface ActivityOptions {
  control: Address;
  clock: Clock;
  log: Log;
  /** Between two reports. */
  everyMs: number;
}

/** Collects what servers were used, and tells the hub in batches. What does not arrive is kept for the next batch. */
export class Activity implements AsyncDisposable {
  readonly #options: ActivityOptions;
  readonly #stop = new AbortController();
  #entries = new Map<string, ActivityEntry>();
  #running: Promise<void> = Promise.resolve();

  constructor(options: ActivityOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Notes a use of a server at `at`; `work` when it was not an open tab's own polling. */
  note(serverId: string, at: number, work: boolean): void {
    let entry = this.#entries.get(serverId);
    if (!entry) {
      entry = { lastActivity: 0, lastWork: 0 };
      this.#entries.set(serverId, entry);
    }
    if (at > entry.lastActivity) entry.lastActivity = at;
    if (work && at > entry.lastWork) entry.lastWork = at;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#report(AbortSignal.timeout(2_000));
  }

  async #run(): Promise<void> {
    const { clock, everyMs } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.#report(AbortSignal.timeout(5_000));
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    if (this.#entries.size === 0) return;
    const entries = this.#entries;
    this.#entries = new Map();
    const report: ActivityReport = { servers: Object.fromEntries(entries) };
    try {
      const answer = await openControl(this.#options.control, 'POST', '/activity', JSON.stringify(report), signal);
      answer.resume();
    } catch (err) {
      for (const [serverId, entry] of entries) {
        this.note(serverId, entry.lastActivity, false);
        if (entry.lastWork > 0) this.note(serverId, entry.lastWork, true);
      }
      this.#options.log.debug({ err, servers: entries.size }, 'activity not reported; kept for the next report');
    }
  }
}
