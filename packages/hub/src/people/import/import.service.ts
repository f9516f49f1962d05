import { HubError, permits, type ScopeSet } from '@atrium/sdk';
import { tellProxies } from '../../access/bars.service.ts';
import { settleEverywhere } from '../../access/settle.service.ts';
import { auditAll } from '../../audit/audit.service.ts';
import type { AppContext } from '../../context.ts';
import { groupNames, joinGroups } from '../../groups/groups.service.ts';
import { createResetLink, type OneTimeLink } from '../../login/links.service.ts';
import { actorName, isAdmin, type Principal } from '../../users/principal.ts';
import {
  acceptsUserName,
  findUsersByName,
  insertUsers,
  settleGroups,
  type User,
  updateUser,
} from '../../users/users.service.ts';
import { type LineProblem, type PeopleFile, readPeople, type WantedPerson } from './read-people.ts';

export { MOST_LINES } from './read-people.ts';

export interface ImportWishes {
  csv: string;
  dryRun: boolean;
  /** Lines with something wrong are left out, instead of everything. */
  skipErrors: boolean;
  /** Addresses where new people set their password, where the hub keeps passwords. */
  links: boolean;
  by: Principal;
  scopes: ScopeSet;
}

export interface ImportLine {
  line: number;
  name: string;
  outcome: 'create' | 'change' | 'same' | 'error';
  /** What becomes of it; null when it stays. */
  admin: boolean | null;
  addGroups: string[];
  newGroups: string[];
  message: string;
  link?: OneTimeLink;
}

export interface ImportReport extends Pick<PeopleFile, 'delimiter' | 'columns' | 'ignored'> {
  applied: boolean;
  lines: ImportLine[];
  problems: LineProblem[];
}

/** Reads, checks, and without `dryRun` carries it out: everything or nothing, unless lines with errors may be left out. */
export async function importPeople(ctx: AppContext, wishes: ImportWishes): Promise<ImportReport> {
  const file = readPeople(wishes.csv, (name) => acceptsUserName(ctx, name));
  const { delimiter, columns, ignored } = file;
  const reportOf = (applied: boolean, { lines, problems }: Plan): ImportReport => ({
    delimiter,
    columns,
    ignored,
    applied,
    lines,
    problems,
  });
  if (wishes.dryRun) return reportOf(false, await planLines(ctx, file, wishes));
  let made: User[] = [];
  const report = await ctx.db.transaction().execute(async (db) => {
    const within = { ...ctx, db };
    const plan = await planLines(within, file, wishes);
    // A file of which nothing can be read is refused, whatever is to be done about single lines.
    const isUseless = file.people.length === 0;
    if (plan.problems.length > 0 && (isUseless || !wishes.skipErrors)) return reportOf(false, plan);
    made = await carryOut(within, plan.lines, plan.known);
    return reportOf(true, plan);
  });
  if (!report.applied) return report;
  tellProxies(ctx);
  ctx.log.info({ created: made.length, by: actorName(wishes.by) }, 'people imported from a file');
  if (wishes.links && ctx.authenticator.accounts) await addLinks(ctx, report.lines, made, wishes.by);
  return report;
}

interface Plan extends Pick<ImportReport, 'lines' | 'problems'> {
  /** Those of the file who are there. */
  known: ReadonlyMap<string, User>;
}

/** SQLite takes so many values in one statement with room to spare. */
const TOGETHER = 500;

async function planLines(ctx: AppContext, file: PeopleFile, wishes: ImportWishes): Promise<Plan> {
  const known = new Map<string, User>();
  for (let at = 0; at < file.people.length; at += TOGETHER) {
    const names = file.people.slice(at, at + TOGETHER).map(({ name }) => name);
    for (const user of await findUsersByName(ctx.db, names)) known.set(user.name, user);
  }
  const groups = await groupNames(ctx);
  const problems = [...file.problems];
  const lines = file.people.map((wanted) => planLine(wanted, known.get(wanted.name), groups, wishes, problems));
  const named = new Set(lines.map(({ line }) => line));
  // Lines that could not even be read have a row, too: whoever looks at the rows sees all of them.
  for (const { line, message } of file.problems) {
    if (!named.has(line)) lines.push(failed({ line, name: '' }, message));
    named.add(line);
  }
  const order = <T extends { line: number }>(list: T[]) => list.sort((a, b) => a.line - b.line);
  return { lines: order(lines), problems: order(problems), known };
}

const failed = ({ line, name }: { line: number; name: string }, message: string): ImportLine => ({
  line,
  name,
  outcome: 'error',
  admin: null,
  addGroups: [],
  newGroups: [],
  message,
});

function planLine(
  wanted: WantedPerson,
  user: User | undefined,
  known: ReadonlySet<string>,
  { by, scopes }: ImportWishes,
  problems: LineProblem[],
): ImportLine {
  const { line, name } = wanted;
  const found: LineProblem[] = [];
  const say = (column: string, message: string) => found.push({ line, column, message });
  const admin = wanted.admin === null || wanted.admin === (user?.admin ?? false) ? null : wanted.admin;
  if (admin !== null && !isAdmin(by)) say('admin', 'Only administrators make administrators, or end that.');
  if (admin === false && by.kind === 'user' && by.user.name === name)
    say('admin', 'You cannot take this from yourself.');
  const addGroups = wanted.groups.filter((group) => !user?.groups.includes(group));
  const newGroups = addGroups.filter((group) => !known.has(group));
  for (const group of addGroups) {
    if (permits(scopes, 'groups', { group }) !== 'yes') say('groups', `You may not change who is in “${group}”.`);
    else if (!known.has(group) && permits(scopes, 'admin:groups', { group }) !== 'yes') {
      say('groups', `There is no group “${group}”, and you may not make one.`);
    }
  }
  if (found.length > 0) {
    problems.push(...found);
    return failed(wanted, found.map(({ message }) => message).join(' '));
  }
  const outcome = user ? (admin === null && addGroups.length === 0 ? 'same' : 'change') : 'create';
  return { line, name, outcome, admin, addGroups, newGroups, message: wordsFor(outcome, admin, addGroups) };
}

function wordsFor(outcome: 'create' | 'change' | 'same', admin: boolean | null, groups: readonly string[]): string {
  if (outcome === 'same') return 'Is there already, and nothing changes.';
  const parts = [
    ...(outcome === 'create' ? ['A new account.'] : []),
    ...(admin === true ? ['Becomes an administrator.'] : admin === false ? ['Is no administrator any more.'] : []),
    ...(groups.length > 0 ? [`Joins ${groups.join(', ')}.`] : []),
  ];
  return parts.join(' ');
}

async function carryOut(
  ctx: AppContext,
  lines: readonly ImportLine[],
  known: ReadonlyMap<string, User>,
): Promise<User[]> {
  const now = ctx.clock.now();
  const wanted = lines.filter(({ outcome }) => outcome === 'create');
  const made = await insertUsers(
    ctx.db,
    wanted.map(({ name, admin }) => ({ name, admin: admin ?? false, allowedBy: 'administrator', now })),
  );
  if (made.length < wanted.length) {
    // Somebody else was faster: then nothing of this file is done, and the next look shows them as they are.
    throw new HubError('name_taken', 'Some of these people were made by somebody else meanwhile. Try again.');
  }
  const people = new Map([...known, ...made.map((user) => [user.name, user] as const)]);
  const joining = new Map<string, User[]>();
  const entries: Parameters<typeof auditAll>[1][number][] = [];
  for (const { name, outcome, admin, addGroups } of lines) {
    const user = people.get(name);
    if (!user || outcome === 'error' || outcome === 'same') continue;
    const of = { kind: 'user', name };
    if (outcome === 'create') {
      entries.push({ action: 'user.create', of, detail: { admin: admin ?? false, by: 'import' } });
    } else if (admin !== null) {
      await updateUser(ctx.db, user.id, { admin });
      await settleEverywhere(ctx, [user.id]);
      entries.push({ action: 'user.change', of, detail: { admin, by: 'import' } });
    }
    for (const group of addGroups) {
      const members = joining.get(group) ?? [];
      members.push(user);
      joining.set(group, members);
    }
  }
  await auditAll(ctx, entries);
  await joinGroups(ctx, joining);
  // The configuration may have put them into groups before they were there.
  await settleGroups(
    ctx.db,
    made.map(({ id }) => id),
  );
  return made;
}

async function addLinks(ctx: AppContext, lines: ImportLine[], made: readonly User[], by: Principal): Promise<void> {
  const byName = new Map(made.map((user) => [user.name, user]));
  for (const line of lines) {
    const user = byName.get(line.name);
    if (user) line.link = await createResetLink(ctx, user, actorName(by));
  }
}
