import { HubError } from '@atrium/sdk';

/** Classes of PostgreSQL that an operator mends: connection, sign-in, no such database, resources, shutting down. */
const POSTGRES = /^(08|28|3D|53|57)/;
/** Result codes of SQLite that say the same of a file: perm, busy, readonly, ioerr, corrupt, full, cantopen, notadb. */
const SQLITE = new Set([3, 5, 8, 10, 11, 13, 14, 26]);
const SYSTEM = /^E[A-Z]+$|^EAI_/;
/** What the driver says without a code. */
const DRIVER = /^Connection terminated|^timeout exceeded when trying to connect$|^SASL/;

/**
 * A database that cannot be opened, in words and without its password; anything else comes back as it is.
 * @param where as in `openDatabase`
 */
export function openingFault(where: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof HubError) return error;
  const { code = '', errcode = 0 } = error as { code?: string; errcode?: number };
  const isOutside =
    SYSTEM.test(code) || POSTGRES.test(code) || SQLITE.has(errcode & 0xff) || DRIVER.test(error.message);
  if (!isOutside) return error;
  const why = error.message || code;
  return new HubError('database_unavailable', `The database ${placeOf(where)} cannot be opened: ${why}`, {
    cause: error,
  });
}

function placeOf(where: string): string {
  const url = /^postgres(ql)?:/.test(where) ? URL.parse(where) : null;
  return url ? `${url.host || url.searchParams.get('host') || 'localhost'}${url.pathname}` : where;
}
