import type { Json } from '@atrium/sdk';
import type { Insertable } from 'kysely';
import type { AppContext } from '../context.ts';
import { fromJson } from '../db/json.ts';
import type { AuditTable } from '../db/types.ts';
import { currentOrigin, type Origin } from '../http/origin.ts';
import type { Principal } from '../users/principal.ts';
import { type AuditFilter, type AuditRow, deleteAuditBefore, insertAudit, readAudit } from './audit.repo.ts';

export type { AuditFilter } from './audit.repo.ts';

/** What was done, to be read by people: who did it is known from the request unless it is said here. */
export interface AuditEntry {
  /** `<what it is about>.<what was done>`, such as `user.create`; part of the interface, like an error's code. */
  action: `${string}.${string}`;
  /** Who it was, where the request itself does not say: somebody who signs in. */
  by?: Principal | undefined;
  /** What it was done to; `owner` is the person it belongs to. */
  of?: { kind: string; name: string; owner?: string | undefined } | undefined;
  /** What else is worth knowing. Never a secret; keys that sound like one are hidden all the same. */
  detail?: Readonly<Record<string, unknown>> | undefined;
}

/** What an entry needs of the context; a transaction's own (`{ ...ctx, db }`) makes it part of that. */
export type AuditContext = Pick<AppContext, 'db' | 'clock' | 'log'>;

/** Records one change. Call it when the change is made, and with the transaction's context inside of one. */
export async function audit(ctx: AuditContext, entry: AuditEntry): Promise<void> {
  await auditAll(ctx, [entry]);
}

/** Records several changes of one act, such as accounts made from a list. */
export async function auditAll(ctx: AuditContext, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const origin = currentOrigin();
  const now = ctx.clock.now();
  const rows = entries.map((entry) => rowOf(entry, origin, now));
  try {
    await insertAudit(ctx.db, rows);
  } catch (err) {
    // Within a transaction both happen or neither. Afterwards the change is a fact, and the log is what is left to tell.
    if (ctx.db.isTransaction) throw err;
    ctx.log.error({ err, entries: rows }, 'could not write to the audit trail');
  }
}

function rowOf(entry: AuditEntry, origin: Origin, at: number): Insertable<AuditTable> {
  const { action, of, detail = {} } = entry;
  return {
    at,
    action,
    ...actorOf(entry, origin),
    of_kind: of?.kind ?? null,
    of_name: of?.name ?? null,
    of_owner: of?.owner ?? (of?.kind === 'user' ? of.name : null),
    request_id: origin.requestId ?? null,
    detail: textOf(detail),
  };
}

type Actor = Pick<Insertable<AuditTable>, 'by_kind' | 'by_name' | 'via' | 'token' | 'ip'>;

/** The machine's operator and the hub itself are no principals, but they do things. */
function actorOf(entry: AuditEntry, { kind, request }: Origin): Actor {
  if (kind !== 'request' || !request) {
    const via = kind === 'operator' ? 'command' : 'hub';
    return { by_kind: kind === 'operator' ? 'operator' : 'hub', by_name: '', via, token: null, ip: null };
  }
  const requester = request.requester;
  const principal = requester?.principal ?? entry.by;
  const token = requester?.via.kind === 'token' ? `a${requester.via.token.id}` : null;
  const via = token !== null ? 'token' : requester ? 'session' : 'login';
  return { ...nameOf(principal), via, token, ip: request.ip };
}

function nameOf(principal: Principal | undefined): Pick<Actor, 'by_kind' | 'by_name'> {
  if (!principal) return { by_kind: 'nobody', by_name: '' };
  if (principal.kind === 'user') return { by_kind: 'user', by_name: principal.user.name };
  return { by_kind: 'service', by_name: principal.service.name };
}

/** More is a list that nobody reads; characters. */
const MOST_DETAIL = 8_000;
/** Of a list, so many are written out. */
const MOST_ITEMS = 100;
const SECRETIVE = /passw|secret|cookie|auth_?state|private|credential|^token$|api_?token/i;

function textOf(detail: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(detail, (key, value: unknown) => {
    if (SECRETIVE.test(key) && typeof value !== 'boolean') return '«secret»';
    if (Array.isArray(value) && value.length > MOST_ITEMS) {
      return [...value.slice(0, MOST_ITEMS), `… and ${value.length - MOST_ITEMS} more`];
    }
    return value;
  });
  return text.length <= MOST_DETAIL ? text : JSON.stringify({ left_out: `${text.length} characters` });
}

/** One entry as people and programs read it. */
export interface AuditRecord {
  id: number;
  /** Ms since the epoch. */
  at: number;
  action: string;
  by: { kind: string; name: string };
  via: string;
  token: string | null;
  ip: string | null;
  of: { kind: string; name: string; owner: string | null } | null;
  requestId: string | null;
  detail: Record<string, Json>;
}

function recordOf(row: AuditRow): AuditRecord {
  return {
    id: row.id,
    at: row.at,
    action: row.action,
    by: { kind: row.by_kind, name: row.by_name },
    via: row.via,
    token: row.token,
    ip: row.ip,
    of: row.of_kind === null ? null : { kind: row.of_kind, name: row.of_name ?? '', owner: row.of_owner },
    requestId: row.request_id,
    detail: fromJson<Record<string, Json>>(row.detail) ?? {},
  };
}

/** Newest first; `next` is the `before` of the following ones, null when there are none. */
export async function searchAudit(
  ctx: AppContext,
  filter: AuditFilter,
  limit: number,
): Promise<{ records: AuditRecord[]; next: number | null }> {
  // PostgreSQL takes no such character, and no entry has one.
  if (Object.values(filter).some((value) => String(value).includes('\0'))) return { records: [], next: null };
  const rows = await readAudit(ctx.db, filter, limit + 1);
  const shown = rows.slice(0, limit);
  return { records: shown.map(recordOf), next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
}

const AT_ONCE = 1_000;

/** Everything that fits, newest first, read in parts: a year of a large hub does not have to fit into memory. */
export async function* allAudit(ctx: AppContext, filter: AuditFilter): AsyncGenerator<AuditRecord> {
  let before = filter.before;
  for (;;) {
    const { records, next } = await searchAudit(ctx, { ...filter, before }, AT_ONCE);
    yield* records;
    if (next === null) return;
    before = next;
  }
}

const PRUNE_MS = 3_600_000;

/** Forgets what is older than `audit.keep`, every hour until the signal. */
export async function watchAudit(ctx: AppContext, signal: AbortSignal): Promise<void> {
  const { keep } = ctx.config.audit;
  if (keep === 0) return;
  while (!signal.aborted) {
    try {
      const count = await deleteAuditBefore(ctx.db, ctx.clock.now() - keep * 1000);
      if (count > 0) ctx.log.info({ count }, 'old entries of the audit trail deleted');
    } catch (err) {
      if (!signal.aborted) ctx.log.warn({ err }, 'old entries of the audit trail not deleted; trying again');
    }
    await ctx.clock.sleep(PRUNE_MS, signal).catch(() => {});
  }
}
