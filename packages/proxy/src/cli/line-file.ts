import { closeSync, constants, openSync, write, writeSync } from 'node:fs';
import type { LineSink } from '../seen/access-log.ts';

const WAITING_CHARS = 8 * 1024 * 1024;
/** Lines of so many ms are written together. */
const GATHER_MS = 10;
/** After an error of the disk. */
const AGAIN_MS = 100;
/** A pipe takes so much whole or not at all, and nobody else's line can come between (POSIX: at least 512; Linux: 4096). */
const WHOLE_BYTES = process.platform === 'linux' ? 4096 : 512;
const FILE_BYTES = 256 * 1024;
const MODE = 0o640;

/** Lines for a file, a named pipe or standard output. Whoever writes them never waits: not for a disk, not for a reader. */
export class LineFile implements LineSink {
  dropped = 0;
  readonly #path: string | undefined;
  readonly #most: number;
  readonly #mostChars: number;
  #fd: number | undefined;
  #waiting: string[] = [];
  #chars = 0;
  #isDue = false;
  /** What is being written. */
  #rest: Buffer | undefined;
  /** To be closed when the write that may use them is over. */
  readonly #old: number[] = [];

  /**
   * @param path undefined for standard output
   * @param mostChars what waits at most, beside one write that is under way; lines beyond it are lost
   * @throws Node's error when it cannot be opened
   */
  constructor(path: string | undefined, mostChars = WAITING_CHARS) {
    this.#path = path;
    this.#mostChars = mostChars;
    this.#most = path === undefined ? WHOLE_BYTES : FILE_BYTES;
    this.#fd = path === undefined ? 1 : opened(path);
  }

  write(line: string): void {
    if (this.#chars + line.length > this.#mostChars) {
      this.dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#chars += line.length;
    this.#due(GATHER_MS);
  }

  /** Opens it anew by its name, because it was renamed. What cannot be opened leaves everything as it was, and is thrown. */
  reopen(): void {
    if (this.#path === undefined) return;
    const before = this.#fd;
    this.#fd = opened(this.#path);
    if (before === undefined) return;
    // A write may be under way with it, and its number must not become somebody else's before that has ended.
    if (this.#isDue) this.#old.push(before);
    else closeSync(before);
  }

  /** What still waits, at the end of the process. */
  flush(): void {
    // A write under way cannot be waited for here; what it does not take is lost.
    try {
      if (this.#fd !== undefined) writeSync(this.#fd, this.#waiting.join(''));
    } catch {
      // Nothing more can be done with these lines.
    }
    this.#waiting = [];
    this.#chars = 0;
  }

  #due(ms: number): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#drain(), ms);
  }

  #drain(): void {
    this.#rest ??= Buffer.from(this.#next());
    const bytes = this.#rest;
    const done = (wait: number) => {
      this.#isDue = false;
      for (const fd of this.#old.splice(0)) closeSync(fd);
      if (this.#rest || this.#waiting.length > 0) this.#due(wait);
    };
    if (this.#fd === undefined) return done(AGAIN_MS);
    write(this.#fd, bytes, 0, bytes.length, null, (err, written) => {
      // A full pipe or disk takes nothing or a part. The rest is tried again: while it waits, new lines are lost, not half ones.
      if (err) return done(err.code === 'EAGAIN' ? GATHER_MS : AGAIN_MS);
      this.#rest = written < bytes.length ? bytes.subarray(written) : undefined;
      done(this.#rest ? GATHER_MS : 0);
    });
  }

  /** Takes as many whole lines as go together. */
  #next(): string {
    let bytes = 0;
    let count = 0;
    for (const line of this.#waiting) {
      bytes += Buffer.byteLength(line);
      if (count > 0 && bytes > this.#most) break;
      count++;
    }
    const text = this.#waiting.splice(0, count).join('');
    this.#chars -= text.length;
    return text;
  }
}

/** A named pipe that nobody reads says so at once, and a full one does not wait. */
function opened(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, MODE);
}
