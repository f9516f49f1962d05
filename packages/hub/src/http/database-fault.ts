import { HubError } from '@atrium/sdk';

/** Result codes of SQLite (https://sqlite.org/rescode.html), the primary one in the low byte. */
const SQLITE = { busy: 5, readonly: 8, ioerr: 10, full: 13, cantopen: 14 };

const UNAVAILABLE = 'The hub cannot reach its database right now. Running servers keep running; try again in a moment.';
const FULL = 'The disk of the hub is full, so nothing can be saved right now. Running servers keep running.';

/** A database that is gone or full, told apart from a bug; undefined for anything else. */
export function databaseFault(err: unknown): HubError | undefined {
  if (!(err instanceof Error)) return undefined;
  const { code, errcode, syscall } = err as { code?: string; errcode?: number; syscall?: string };
  if (code === 'ERR_SQLITE_ERROR' && errcode !== undefined) {
    const primary = errcode & 0xff;
    if (primary === SQLITE.full) return new HubError('disk_full', FULL, { cause: err });
    if (
      primary === SQLITE.busy ||
      primary === SQLITE.readonly ||
      primary === SQLITE.ioerr ||
      primary === SQLITE.cantopen
    )
      return new HubError('database_unavailable', UNAVAILABLE, { cause: err });
  }
  // PostgreSQL's classes (https://www.postgresql.org/docs/current/errcodes-appendix.html) and the driver's own words.
  // PostgreSQL keeps every sign but one in its texts; whoever sends that one is told.
  if (code === '22021')
    return new HubError('bad_request', 'A text must not have the character U+0000.', { cause: err });
  if (code === '53100') return new HubError('disk_full', FULL, { cause: err });
  const lost =
    /^(08...|57P0[123]|53300)$/.test(code ?? '') ||
    (syscall === 'connect' && /^E(CONNREFUSED|NOENT|HOSTUNREACH|TIMEDOUT)$/.test(code ?? '')) ||
    /^Connection terminated|^timeout exceeded when trying to connect$/.test(err.message);
  return lost ? new HubError('database_unavailable', UNAVAILABLE, { cause: err }) : undefined;
}
