import type { Clock, Log } from '@atrium/sdk';
import { writeWhole } from './whole-file.ts';

/** What is on disk is this old at most, ms: a class that starts writes it a few times, not once per server. */
const SAVE_EVERY_MS = 250;

export interface KeptFileOptions {
  /** Its folder exists. Written with mode 0600, whole or not at all. */
  path: string;
  /** The newest state. */
  text(): string;
  clock: Clock;
  log: Log;
}

/** Keeps the proxy's routes on disk. What cannot be written is told in the log; the proxy goes on without. */
export class KeptFile implements AsyncDisposable {
  readonly #options: KeptFileOptions;
  readonly #stop = new AbortController();
  #saving: Promise<void> | undefined;
  #unsaved = false;

  constructor(options: KeptFileOptions) {
    this.#options = options;
  }

  /** Writes the newest state; changes that come meanwhile and a little later are written together afterwards. */
  save(): void {
    this.#unsaved = true;
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
    });
  }

  /** Whatever is still to be written is written first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#saving;
  }

  async #write(): Promise<void> {
    const { path, text, clock, log } = this.#options;
    while (this.#unsaved) {
      this.#unsaved = false;
      try {
        await writeWhole(path, text());
      } catch (err) {
        log.warn({ err, file: path }, 'the routes could not be kept on disk');
      }
      await clock.sleep(SAVE_EVERY_MS, this.#stop.signal).catch(() => undefined);
    }
  }
}
