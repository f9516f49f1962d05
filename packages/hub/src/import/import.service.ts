import type { Secret } from '@atrium/sdk';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { asOperator } from '../http/origin.ts';
import { sharesChanged } from '../shares/shares.service.ts';
import { deleteImport, fingerprintOf, insertImport, insertItems } from './ledger.repo.ts';
import { takeAuthState } from './parts/auth-state.ts';
import { takeGroups } from './parts/groups.ts';
import { takeLogins } from './parts/logins.ts';
import { reportRest } from './parts/rest.ts';
import { takeRoles } from './parts/roles.ts';
import { takeServers } from './parts/servers.ts';
import { takeServices } from './parts/services.ts';
import { takeShares } from './parts/shares.ts';
import { takeTokens } from './parts/tokens.ts';
import { takeUsers } from './parts/users.ts';
import type { ImportReport } from './report.ts';
import type { Source } from './source/schema.ts';
import { Taking } from './taking.ts';

export interface ImportRequest {
  source: Source;
  cookieSecret?: Secret | undefined;
  /** False: a rehearsal. All of it is done, and then taken back. */
  apply: boolean;
}

/** Ends a transaction that was only to see what it would do. */
class Rehearsal extends Error {}

/**
 * Takes over what another hub knows: everything or, when anything fails, nothing. The rehearsal is the same thing without
 * its last step, so what it says is what would happen.
 */
export async function importJupyterHub(ctx: AppContext, request: ImportRequest): Promise<ImportReport> {
  const { source, apply } = request;
  let report: ImportReport | undefined;
  const run = async (db: AppContext['db']) => {
    const within = { ...ctx, db };
    const { from, revision, version } = source;
    const importId = await insertImport(db, { source: from, revision, now: ctx.clock.now() });
    const taking = await Taking.begin(within, source, importId);
    await takeAll(taking, request.cookieSecret);
    report = { applied: apply, from, version, tables: taking.report(), todo: taking.todo };
    if (!apply) throw new Rehearsal();
    // A run that found everything here is no import: what is to be taken back is the one before.
    if (taking.added.length === 0 && !taking.tookLogins) return deleteImport(db, importId);
    const items = [];
    for (const item of taking.added) {
      await taking.breathe();
      items.push({ ...item, fingerprint: (await fingerprintOf(db, item.kind, item.ours)) ?? '' });
    }
    await insertItems(db, importId, items);
    const of = { kind: 'import', name: String(importId) };
    const detail = { from, version, items: items.length };
    await asOperator(() => audit(within, { action: 'import.apply', of, detail }));
  };
  await ctx.db
    .transaction()
    .execute(run)
    .catch((error: unknown) => {
      if (!(error instanceof Rehearsal)) throw error;
    });
  if (!report) throw new Error('The import said nothing.');
  if (apply) sharesChanged(ctx);
  if (apply) ctx.log.info({ from: source.from, version: source.version, by: 'command line' }, 'JupyterHub taken over');
  return report;
}

/** Whoever something belongs to comes before it. */
async function takeAll(taking: Taking, cookieSecret: Secret | undefined): Promise<void> {
  await takeUsers(taking);
  await takeAuthState(taking);
  await takeGroups(taking);
  await takeServices(taking);
  await takeRoles(taking);
  await takeServers(taking);
  await takeTokens(taking);
  await takeLogins(taking, cookieSecret);
  await takeShares(taking);
  reportRest(taking);
}
