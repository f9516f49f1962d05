import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import type { Db } from '../db/types.ts';
import { asOperator } from '../http/origin.ts';
import { type ExportRow, readTables } from './export.repo.ts';

export interface Exported {
  /** Raised when lines get another meaning. */
  format: 1;
  hubId: string;
  at: number;
  tables: { table: string; rows: ExportRow[] }[];
}

/** Everything this hub knows, as it is at one moment: accounts, groups, roles, services, servers, tokens as hashes, … */
export async function exportAll(ctx: AppContext): Promise<Exported> {
  const transaction = ctx.db.transaction();
  const moment = ctx.dialect === 'postgres' ? transaction.setIsolationLevel('repeatable read') : transaction;
  const tables = await moment.execute((db: Db) => readTables(db));
  await asOperator(() => audit(ctx, { action: 'hub.export', of: { kind: 'hub', name: ctx.hubId } }));
  ctx.log.info({ by: 'command line' }, 'everything exported');
  return { format: 1, hubId: ctx.hubId, at: ctx.clock.now(), tables };
}
