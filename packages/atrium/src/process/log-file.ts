import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log is put aside at this size, and one old one is kept. */
const ROTATE_BYTES = 20 * 1024 * 1024;
/** After so many bytes of ours the file's size is looked at. */
const LOOK_BYTES = 256 * 1024;
/** What waits for a slow disk at most; lines beyond it are lost. */
const WAITING_CHARS = 8 * 1024 * 1024;
/** Lines of so many ms go to the file together: a write per line costs more than making the line. */
const GATHER_MS = 10;

/**
 * Lines appended to a file, without waiting for the disk. A disk that is full or gone never ends the process that logs
 * about it: lines are lost, and the next ones are tried again.
 */
export class LogFile {
  readonly #path: string;
  #fd: number | undefined;
  #unlooked = LOOK_BYTES;
  #waiting = '';
  /** A write is under way or will be in a moment. */
  #isDue = false;
  #dropped = 0;

  constructor(path: string) {
    this.#path = path;
    this.#open();
  }

  write(line: string): void {
    if (this.#waiting.length < WAITING_CHARS) this.#waiting += line;
    else this.#dropped += 1;
    this.#schedule();
  }

  /** Lines lost because too many waited already. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What still waits, at the end of the process. */
  flush(): void {
    try {
      if (this.#fd !== undefined) writeSync(this.#fd, this.#waiting);
    } catch {
      // Nothing more can be done with these lines.
    }
    this.#waiting = '';
  }

  #schedule(): void {
    if (this.#isDue || this.#waiting === '') return;
    this.#isDue = true;
    setTimeout(() => this.#drain(), GATHER_MS);
  }

  #drain(): void {
    if (this.#fd === undefined) this.#open();
    const chunk = this.#waiting;
    this.#waiting = '';
    const done = (written: number) => {
      this.#isDue = false;
      this.#unlooked += written;
      if (this.#unlooked > LOOK_BYTES) this.#look();
      this.#schedule();
    };
    if (this.#fd === undefined) done(0);
    else write(this.#fd, chunk, (error, written) => done(error ? 0 : written));
  }

  /** Several processes may write to one file: another one may have put it aside, and it may be larger than what we wrote. */
  #look(): void {
    this.#unlooked = 0;
    try {
      const ours = this.#fd === undefined ? undefined : fstatSync(this.#fd);
      const named = statSync(this.#path, { throwIfNoEntry: false });
      if (!ours || ours.ino !== named?.ino) this.#reopen();
      else if (ours.size > ROTATE_BYTES) this.#rotate();
    } catch {
      // As long as nothing can be known of it, it goes on in the file that it has.
    }
  }

  #reopen(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#open();
  }

  #rotate(): void {
    try {
      renameSync(this.#path, `${this.#path}.1`);
    } catch {
      // It goes on growing until this works.
    }
    this.#reopen();
  }

  #open(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#fd = openSync(this.#path, 'a', 0o600);
    } catch {
      this.#fd = undefined;
    }
  }
}
