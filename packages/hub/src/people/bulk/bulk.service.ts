import { HubError, permits, type ScopeSet } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { hasGroup, validGroupName } from '../../groups/groups.service.ts';
import { isActive, listServers, type Server } from '../../servers/servers.service.ts';
import { findUsersByName, type User } from '../../users/users.service.ts';
import * as people from './people-actions.ts';
import * as servers from './server-actions.ts';
import { type Act, type BulkAction, refused, type Target, type Verdict } from './types.ts';

export type { Verdict } from './types.ts';

export const ACTIONS = {
  start: servers.start,
  stop: servers.stop,
  delete: people.remove,
  make_admin: people.makeAdmin,
  remove_admin: people.removeAdmin,
  add_to_group: people.joinGroup,
  remove_from_group: people.leaveGroup,
  block: people.block,
  unblock: people.unblock,
  approve: people.approve,
} as const satisfies Record<string, BulkAction>;
export type ActionName = keyof typeof ACTIONS;

/** More at a time is a script. */
export const MOST_ROWS = 1_000;
/** Rows that are worked on at the same time: a deletion waits for servers to stop. */
const AT_ONCE = 8;

export interface BulkRequest extends Act {
  action: ActionName;
  dryRun: boolean;
  /** Names of people, or of servers as `ada/thesis`. */
  rows: { people: readonly string[] } | { servers: readonly string[] };
  /** Of whoever asks. */
  scopes: ScopeSet;
}

export interface BulkRow extends Verdict {
  kind: 'person' | 'server';
  /** `ada`, or `ada/thesis`. */
  name: string;
}

/**
 * What would happen to each row, or with `dryRun` false what did: one row's trouble does not keep the others from it.
 * @throws HubError `bad_request`, `not_found` for what is wrong with all of them.
 */
export async function runBulk(ctx: AppContext, request: BulkRequest): Promise<BulkRow[]> {
  const action: BulkAction = ACTIONS[request.action];
  await check(ctx, request, action);
  const rows = await findRows(ctx, request, action);
  const planned = await inTurn(rows, async (row) => {
    if (!row.target || !mayDoTo(request, action, row.target)) return { ...row, verdict: NOT_THERE };
    return { ...row, verdict: await planOf(ctx, action, row.target, request) };
  });
  if (!request.dryRun) await carryOut(ctx, action, planned, request);
  return planned.map(({ kind, name, verdict }) => ({ kind, name, ...verdict }));
}

/** "Not there" and "not yours" read the same. */
const NOT_THERE = refused('not_found', 'There is nothing of this name, or it is not yours to change.');

async function check(ctx: AppContext, { group, rows }: BulkRequest, action: BulkAction): Promise<void> {
  if ('servers' in rows && action.about !== 'servers') {
    throw new HubError('bad_request', 'This is done to people, not to servers.');
  }
  if (!action.needsGroup) return;
  if (!group) throw new HubError('bad_request', 'Which group? Send `group`.');
  if (!validGroupName(group) || !(await hasGroup(ctx, group)))
    throw new HubError('not_found', `No such group: ${group}`);
}

interface Row {
  kind: BulkRow['kind'];
  name: string;
  target: Target | undefined;
}

async function findRows(ctx: AppContext, { rows, action }: BulkRequest, { about }: BulkAction): Promise<Row[]> {
  const split =
    'servers' in rows ? rows.servers.map(partsOf) : rows.people.map((user) => ({ user, server: undefined }));
  const users = new Map(
    (await findUsersByName(ctx.db, unique(split.map(({ user }) => user)).filter(canBeName))).map((user) => [
      user.name,
      user,
    ]),
  );
  if (about === 'people') {
    return unique(split.map(({ user }) => user)).map((name) => {
      const user = users.get(name);
      return { kind: 'person', name, target: user && { user } };
    });
  }
  const found = await listServers(
    ctx.db,
    [...users.values()].map(({ id }) => id),
  );
  const row = (name: string, serverName: string, user: User | undefined, server: Server | undefined): Row => ({
    kind: 'server',
    name: `${name}/${serverName}`,
    target: user && { user, serverName, server },
  });
  const all = split.flatMap(({ user: name, server: serverName }) => {
    const user = users.get(name);
    const theirs = (user && found.get(user.id)) ?? [];
    const named = (wanted: string) =>
      row(
        name,
        wanted,
        user,
        theirs.find((one) => one.name === wanted),
      );
    if (serverName !== undefined) return [named(serverName)];
    // Of a person: the default server starts, everything of theirs stops.
    const on = action === 'stop' ? theirs.filter(isActive) : [];
    return on.length === 0 ? [named('')] : on.map((server) => named(server.name));
  });
  return [...new Map(all.map((each) => [each.name, each])).values()];
}

/** Nothing has another kind of name, and PostgreSQL does not even look for one. */
const canBeName = (text: string) => !/\p{Cc}/u.test(text);

const unique = (names: readonly string[]) => [...new Set(names)];

/** `ada/thesis`; `ada/` and `ada` are the default server. */
function partsOf(text: string): { user: string; server: string } {
  const at = text.indexOf('/');
  return at === -1 ? { user: text, server: '' } : { user: text.slice(0, at), server: text.slice(at + 1) };
}

function mayDoTo({ scopes, group }: BulkRequest, action: BulkAction, { user, serverName }: Target): boolean {
  const about = action.needsGroup ? { group } : { user: user.name, server: serverName };
  return permits(scopes, action.scope, about, () => user.groups) === 'yes';
}

async function planOf(ctx: AppContext, action: BulkAction, target: Target, act: Act): Promise<Verdict> {
  try {
    return await action.plan(ctx, target, act);
  } catch (err) {
    return failure(ctx, err);
  }
}

type Planned = Row & { verdict: Verdict };

async function carryOut(ctx: AppContext, action: BulkAction, rows: Planned[], act: Act): Promise<void> {
  const due = rows.filter(({ verdict }) => verdict.outcome === 'will');
  const { runAll } = action;
  if (runAll && due.length > 0) {
    const targets = due.flatMap(({ target }) => target ?? []);
    const verdict = await verdictOf(ctx, () => runAll(ctx, targets, act));
    for (const row of due) row.verdict = verdict;
    return;
  }
  await inTurn(due, async (row) => {
    const { target } = row;
    if (target) row.verdict = await verdictOf(ctx, () => action.run(ctx, target, act));
  });
}

async function verdictOf(ctx: AppContext, run: () => Promise<string>): Promise<Verdict> {
  try {
    return { outcome: 'done', code: null, message: await run() };
  } catch (err) {
    return failure(ctx, err);
  }
}

function failure(ctx: AppContext, err: unknown): Verdict {
  if (err instanceof HubError && err.status < 500) return { outcome: 'failed', code: err.code, message: err.message };
  ctx.log.error({ err }, 'one of many could not be done');
  return { outcome: 'failed', code: 'internal', message: 'Something went wrong in the hub; its log says what.' };
}

/** In order, some at a time. */
async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await run(items[at] as T);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
  return results;
}
