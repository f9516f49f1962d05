import pino, { type Level, type Logger } from 'pino';
import { printable } from '../cli/printable.ts';
import { LogFile } from './log-file.ts';

const WARN = 40;
const ERROR = 50;

export interface FileLog extends Disposable {
  readonly log: Logger;
}

/**
 * JSON lines into `file`; what is at least `shown` also as a sentence on standard error, where the operator sees it.
 * Disposing writes what still waits.
 * @param also what every line has beside its own, such as the id of the request it belongs to
 */
export function openLog(file: string, name: string, shown: Level, also?: () => object): FileLog {
  const level = process.env.ATRIUM_LOG_LEVEL ?? 'info';
  const lines = new LogFile(file);
  const human = { write: (line: string) => void process.stderr.write(plain(line)) };
  const log = pino(
    { level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime, ...(also && { mixin: also }) },
    pino.multistream([
      { level: 'trace', stream: lines },
      { level: shown, stream: human },
    ]),
  );
  // Node's own remarks (a deprecated option somewhere) are for us, not for the operator's terminal.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.debug({ err: warning }, 'a remark of Node'));
  return { log, [Symbol.dispose]: () => lines.flush() };
}

/** `hub: warning: the database does not answer (ECONNREFUSED)` */
function plain(line: string): string {
  const entry = JSON.parse(line) as { name: string; level: number; msg?: string; err?: { message?: string } };
  const word = entry.level >= ERROR ? 'error' : entry.level >= WARN ? 'warning' : 'info';
  const cause = entry.err?.message && entry.err.message !== entry.msg ? ` (${entry.err.message})` : '';
  return `${printable(`${entry.name}: ${word}: ${entry.msg ?? ''}${cause}`)}\n`;
}
