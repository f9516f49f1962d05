import { setImmediate } from 'node:timers/promises';
import { parseScope } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { type Item, type Kind, listItems } from './ledger.repo.ts';
import { TableCount, type TableReport } from './report.ts';
import type { Source } from './source/schema.ts';

/** Why something of an earlier import is not taken again. */
const GONE = 'was taken over before, and was deleted or renamed here since';

/**
 * One run over all tables, in one transaction. The parts fill in who is who as they go, and say what they added;
 * `theirs` names a thing in the other hub, `ours` its row here.
 */
export class Taking {
  /** Its `db` is the transaction. */
  readonly ctx: AppContext;
  readonly source: Source;
  readonly importId: number;
  readonly todo: string[] = [];
  readonly added: Item[] = [];
  /** Sign-ins of browsers are added, too; they are not items. */
  tookLogins = false;
  /** By the names they have there. */
  readonly users = new Map<string, number>();
  readonly groups = new Map<string, number>();
  readonly services = new Map<string, number>();
  /** By `keyOf` of owner and name. */
  readonly servers = new Map<string, string>();
  readonly #earlier: ReadonlyMap<string, string>;
  readonly #tables: TableCount[] = [];
  #steps = 0;

  private constructor(ctx: AppContext, source: Source, importId: number, earlier: readonly Item[]) {
    this.ctx = ctx;
    this.source = source;
    this.importId = importId;
    this.#earlier = new Map(earlier.map(({ kind, theirs, ours }) => [`${kind} ${theirs}`, ours]));
  }

  static async begin(ctx: AppContext, source: Source, importId: number): Promise<Taking> {
    return new Taking(ctx, source, importId, await listItems(ctx.db));
  }

  count(table: string, found: number): TableCount {
    const count = new TableCount(table, found);
    this.#tables.push(count);
    return count;
  }

  report(): TableReport[] {
    return this.#tables.map((table) => table.report());
  }

  add(kind: Kind, theirs: string, ours: string | number): void {
    this.added.push({ kind, theirs, ours: String(ours) });
  }

  /** The row that an earlier import made of it. */
  earlier(kind: Kind, theirs: string): string | undefined {
    return this.#earlier.get(`${kind} ${theirs}`);
  }

  /**
   * What an earlier import took over is not taken again, whatever became of it here: who deleted it meant that.
   * `isHere`: whether its row is there still. @returns true when there is no more to do about it.
   */
  wasTaken(count: TableCount, kind: Kind, theirs: string, name: string, isHere: (ours: string) => boolean): boolean {
    const ours = this.earlier(kind, theirs);
    if (ours === undefined) return false;
    if (isHere(ours)) count.there(name);
    else count.skip(name, GONE);
    return true;
  }

  /** SQLite answers without waiting: lets other requests of a running hub through between whiles. */
  async breathe(): Promise<void> {
    this.#steps += 1;
    if (this.#steps % 100 === 0) await setImmediate();
  }
}

/** Whether there is such a scope here. */
export function isScope({ ctx }: Taking, scope: string): boolean {
  try {
    parseScope(scope, ctx.roles.customScopes);
    return true;
  } catch {
    return false;
  }
}
