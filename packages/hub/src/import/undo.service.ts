import { HubError } from '@atrium/sdk';
import { barEverywhere, barPerson, tellProxies } from '../access/bars.service.ts';
import { settleEverywhere } from '../access/settle.service.ts';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { asOperator } from '../http/origin.ts';
import { findUserById, settleGroups } from '../users/users.service.ts';
import {
  closeImport,
  deleteRow,
  fingerprintOf,
  hashesOf,
  hasMembers,
  type Item,
  itemsOf,
  KINDS,
  lastImport,
  restOf,
  serverIsOn,
  serviceHasTokens,
  whoLoses,
} from './ledger.repo.ts';
import { TableCount, type TableReport } from './report.ts';

export interface UndoReport {
  applied: boolean;
  /** What was taken over then, and when. */
  from: string;
  at: number;
  /** `taken` counts what is taken back; `skipped` names what stays, and why. */
  tables: TableReport[];
}

class Rehearsal extends Error {}

/**
 * Takes back what the newest import added, as far as it still is what it was: what somebody has changed since, or hung
 * something on, belongs to this hub now and stays.
 * @throws HubError `not_found` when there is no import.
 */
export async function undoImport(ctx: AppContext, { apply }: { apply: boolean }): Promise<UndoReport> {
  const last = await lastImport(ctx.db);
  if (!last) throw new HubError('not_found', 'Nothing was taken over that could be taken back.');
  // Asked before the transaction begins: a plug-in's own store is not in it, and would wait for its end.
  const owners = await withPassword(ctx, await itemsOf(ctx.db, last.id));
  const tables: TableReport[] = [];
  const run = async (db: AppContext['db']) => {
    const items = await itemsOf(db, last.id);
    // What goes may have opened something: who loses it, before there is nothing left to ask.
    const losing = await whoLoses(db, items);
    await closeImport(db, last.id, ctx.clock.now());
    for (const kind of KINDS.toReversed()) {
      const own = items.filter((item) => item.kind === kind);
      const count = new TableCount(kind, own.length);
      for (const item of own) {
        const why = await reasonToKeep(db, item, owners);
        if (why === 'gone') count.there(item.theirs);
        else if (why !== undefined) count.skip(nameOf(item), why);
        else {
          if (kind === 'user') await barPerson({ ...ctx, db }, Number(item.ours));
          if (kind === 'token') await barEverywhere({ ...ctx, db }, await hashesOf(db, item.ours));
          await deleteRow(db, kind, item.ours);
          count.take();
        }
      }
      if (kind === 'member') await settleGroups(db);
      tables.push(count.report());
    }
    if (!apply) throw new Rehearsal();
    await settleEverywhere({ ...ctx, db }, losing);
    const of = { kind: 'import', name: String(last.id) };
    await asOperator(() => audit({ ...ctx, db }, { action: 'import.undo', of, detail: { from: last.source } }));
  };
  await ctx.db
    .transaction()
    .execute(run)
    .catch((error: unknown) => {
      if (!(error instanceof Rehearsal)) throw error;
    });
  if (apply) tellProxies(ctx);
  if (apply) ctx.log.info({ from: last.source, by: 'command line' }, 'import taken back');
  return { applied: apply, from: last.source, at: last.at, tables };
}

/** Accounts (their rows' keys) of people who have chosen a password here. */
async function withPassword({ authenticator, db }: AppContext, items: readonly Item[]): Promise<Set<string>> {
  const found = new Set<string>();
  if (!authenticator.accounts) return found;
  for (const { ours } of items.filter(({ kind }) => kind === 'user')) {
    const user = await findUserById(db, Number(ours));
    if (user && (await authenticator.accounts.has(user.name))) found.add(ours);
  }
  return found;
}

async function reasonToKeep(
  db: AppContext['db'],
  { kind, ours, fingerprint }: Item & { fingerprint: string },
  owners: ReadonlySet<string>,
): Promise<string | undefined> {
  const now = await fingerprintOf(db, kind, ours);
  if (now === undefined) return 'gone';
  if (now !== fingerprint) return 'was changed here since';
  if (kind === 'server' && (await serverIsOn(db, ours))) return 'runs';
  if (kind === 'group' && (await hasMembers(db, Number(ours)))) return 'has other members';
  if (kind === 'service' && (await serviceHasTokens(db, Number(ours)))) return 'has other tokens';
  if (kind !== 'user') return undefined;
  const rest = [...(owners.has(ours) ? ['a password'] : []), ...(await restOf(db, Number(ours)))];
  return rest.length === 0 ? undefined : `has ${rest.join(', ')} here`;
}

/** A token's stored hash tells nobody anything. */
const nameOf = ({ kind, theirs, ours }: Item) =>
  kind === 'token' ? `a${ours}` : kind === 'share_code' ? `sc_${ours}` : theirs;
