import { Readable } from 'node:stream';
import type { AppContext } from '../context.ts';
import { csvLine } from '../csv.ts';
import { type AuditFilter, type AuditRecord, allAudit } from './audit.service.ts';

const HEAD = ['time', 'action', 'by_kind', 'by', 'via', 'token', 'from', 'of_kind', 'of', 'owner', 'request', 'detail'];

function lineOf({ at, action, by, via, token, ip, of, requestId, detail }: AuditRecord): string {
  const who = [by.kind, by.name, via, token, ip];
  const what = [of?.kind ?? null, of?.name ?? null, of?.owner ?? null];
  return csvLine([new Date(at).toISOString(), action, ...who, ...what, requestId, JSON.stringify(detail)]);
}

/** All entries that fit, as a CSV file, written while it is read. */
export function auditCsv(ctx: AppContext, filter: AuditFilter): Readable {
  return Readable.from(
    (async function* () {
      yield csvLine(HEAD);
      for await (const record of allAudit(ctx, filter)) yield lineOf(record);
    })(),
  );
}

/** Headers of the download, beside its type. */
export function csvHeaders(name: string): Record<string, string> {
  return {
    'cache-control': 'no-store',
    'content-disposition': `attachment; filename="${name}.csv"`,
    'x-content-type-options': 'nosniff',
  };
}
