import { existsSync, renameSync, statSync } from 'node:fs';
import pino, { type Logger } from 'pino';

/** A log is put aside at this size, and one old one is kept. */
const ROTATE_BYTES = 20 * 1024 * 1024;
const WARN = 40;
const ERROR = 50;

export interface FileLog extends Disposable {
  readonly log: Logger;
}

/** JSON lines into `file`; warnings and worse also as a sentence on standard error, which the operator sees. */
export function openLog(file: string, name: string, level: string): FileLog {
  let size = existsSync(file) ? statSync(file).size : 0;
  const destination = pino.destination({ dest: file, sync: false, mkdir: true, mode: 0o600 });
  // A full disk must not end the process that logs about it; lines are lost, and the next ones are tried again.
  destination.on('error', () => {});
  const stream = {
    write(line: string) {
      size += Buffer.byteLength(line);
      destination.write(line);
      if (size > ROTATE_BYTES) {
        size = 0;
        destination.flushSync();
        renameSync(file, `${file}.1`);
        destination.reopen();
      }
    },
  };
  const human = { level: 'warn' as const, stream: { write: (line: string) => void process.stderr.write(plain(line)) } };
  const log = pino(
    { name, level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream([{ level: 'trace', stream }, human]),
  );
  // Node's own remarks (a deprecated option somewhere) are for us, not for the operator's terminal.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.debug({ err: warning }, 'a remark of Node'));
  const flush = () => {
    try {
      destination.flushSync();
    } catch {
      // Not open yet, or the disk is full: nothing more can be done with these lines.
    }
  };
  return { log, [Symbol.dispose]: flush };
}

/** `hub: warning: the database does not answer (ECONNREFUSED)` */
function plain(line: string): string {
  const entry = JSON.parse(line) as { name: string; level: number; msg?: string; err?: { message?: string } };
  const word = entry.level >= ERROR ? 'error' : entry.level >= WARN ? 'warning' : 'info';
  const cause = entry.err?.message && entry.err.message !== entry.msg ? ` (${entry.err.message})` : '';
  return `${entry.name}: ${word}: ${entry.msg ?? ''}${cause}\n`;
}
