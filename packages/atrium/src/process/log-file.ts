import { closeSync, fstatSync, mkdirSync, openSync, renameSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log is put aside at this size, and one old one is kept. */
const ROTATE_BYTES = 20 * 1024 * 1024;
/** What waits for a slow disk at most; lines beyond it are lost. */
const WAITING_CHARS = 8 * 1024 * 1024;

/**
 * Lines appended to a file, without waiting for the disk. A disk that is full or gone never ends the process that logs
 * about it: lines are lost, and the next ones are tried again.
 */
export class LogFile {
  readonly #path: string;
  #fd: number | undefined;
  #size = 0;
  #waiting = '';
  #isWriting = false;

  constructor(path: string) {
    this.#path = path;
    this.#open();
  }

  write(line: string): void {
    if (this.#waiting.length < WAITING_CHARS) this.#waiting += line;
    if (!this.#isWriting) this.#drain();
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

  #drain(): void {
    if (this.#fd === undefined) this.#open();
    if (this.#fd === undefined || this.#waiting === '') {
      this.#waiting = '';
      return;
    }
    const chunk = this.#waiting;
    this.#waiting = '';
    this.#isWriting = true;
    write(this.#fd, chunk, (_error, written) => {
      this.#isWriting = false;
      this.#size += written;
      if (this.#size > ROTATE_BYTES) this.#rotate();
      if (this.#waiting !== '') this.#drain();
    });
  }

  #rotate(): void {
    try {
      renameSync(this.#path, `${this.#path}.1`);
      if (this.#fd !== undefined) closeSync(this.#fd);
    } catch {
      // It goes on growing until this works.
    }
    this.#open();
  }

  #open(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#fd = openSync(this.#path, 'a', 0o600);
      this.#size = fstatSync(this.#fd).size;
    } catch {
      this.#fd = undefined;
    }
  }
}
