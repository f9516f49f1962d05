import type { Json, SpawnUser } from '@atrium/sdk';
import type { LimitRule } from '../config/money-schema.ts';
import type { AppContext } from '../context.ts';
import type { Db } from '../db/types.ts';
import { isActive, listServers, type Server, specOf } from '../servers/servers.service.ts';
import { findUser } from '../users/users.service.ts';
import { type Entry, listEntries, totalOf } from './ledger.service.ts';
import { amount, hoursText, limitText } from './limit-text.ts';
import { lockUser } from './limits.repo.ts';
import { monthOf, type Period, weekOf } from './period.ts';

/** From this share of a limit on, the person is told. */
const WARN_AT = 0.8;

export type LimitKey = keyof LimitRule;
/** What holds for one person; null or absent is no limit. */
export type Limits = { [Key in LimitKey]: number | null };

const KEYS: readonly LimitKey[] = ['dollarsPerMonth', 'hoursPerWeek', 'concurrentServers', 'maxPerHour'];

/**
 * What holds for a person, key by key: what is written for them; otherwise the most generous of what is written for
 * their groups; otherwise the default. A group that does not name a key says nothing about it.
 */
export function limitsOf(config: AppContext['config'], name: string, groups: readonly string[]): Limits {
  const { limits } = config;
  const own = Object.hasOwn(limits.users, name) ? limits.users[name] : undefined;
  const theirs = groups.flatMap((group) => (Object.hasOwn(limits.groups, group) ? [limits.groups[group] ?? {}] : []));
  const one = (key: LimitKey): number | null => {
    if (own?.[key] !== undefined) return own[key];
    const said = theirs.flatMap((rule) => (rule[key] === undefined ? [] : [rule[key]]));
    if (said.length > 0) return said.includes(null) ? null : Math.max(...said.map(Number));
    return limits.default[key] ?? null;
  };
  return Object.fromEntries(KEYS.map((key) => [key, one(key)])) as Limits;
}

/** Whether anybody has any limit: where nobody has, starts are not kept waiting for the question. */
export function hasLimits({ limits }: AppContext['config']): boolean {
  const rules = [limits.default, ...Object.values(limits.groups), ...Object.values(limits.users)];
  return rules.some((rule) => KEYS.some((key) => rule[key] !== undefined && rule[key] !== null));
}

/** What a person has used of what they may, and where that stands. */
export interface LimitState {
  limits: Limits;
  month: Period;
  week: Period;
  /** Dollars of this month and hours of this week, so far. */
  dollars: number;
  hours: number;
  /** Things without a known price this month. */
  unknown: number;
}

/** Reads what a person has used. `db`: the transaction that a decision is made in. */
export async function limitState(
  ctx: AppContext,
  user: Pick<SpawnUser, 'name' | 'groups'>,
  db: Db = ctx.db,
): Promise<LimitState> {
  const now = ctx.clock.now();
  const [month, week] = [monthOf(now), weekOf(now)];
  const both = { from: Math.min(month.from, week.from), to: Math.max(month.to, week.to) };
  const entries: Entry[] = await listEntries(db, both, user.name);
  const monthly = totalOf(entries, month, now);
  return {
    limits: limitsOf(ctx.config, user.name, user.groups),
    month,
    week,
    dollars: monthly.dollars,
    hours: totalOf(entries, week, now).hours,
    unknown: monthly.unknown.count,
  };
}

/** What is in the way of a start, or close to it, in words for the person. */
export interface LimitAnswer {
  refused?: string;
  warning?: string;
}

/**
 * Whether this person may start this. A start has one hour set aside for it, of money and of time, and so has every
 * other one of theirs that is not ready yet.
 * @param server the server it is for, which does not count against itself
 */
export async function limitsFor(
  ctx: AppContext,
  user: Pick<SpawnUser, 'name' | 'groups'>,
  spec: Json,
  { db = ctx.db, server }: { db?: Db; server?: string | undefined } = {},
): Promise<LimitAnswer> {
  const limits = limitsOf(ctx.config, user.name, user.groups);
  if (KEYS.every((key) => limits[key] === null)) return {};
  const price = ctx.spawner.price?.(spec);
  const perHour = price === undefined ? 0 : price.perHour;
  const { maxPerHour, dollarsPerMonth, hoursPerWeek, concurrentServers } = limits;
  if (perHour === null && (maxPerHour !== null || dollarsPerMonth !== null))
    return { refused: limitText.unknownPrice() };
  if (maxPerHour !== null && (perHour ?? 0) > maxPerHour) {
    return { refused: limitText.tooDear(amount(perHour ?? 0), amount(maxPerHour)) };
  }
  const others = (await serversOf(db, user.name)).filter((one) => one.id !== server && isActive(one));
  if (concurrentServers !== null && others.length >= concurrentServers) {
    return { refused: limitText.servers(concurrentServers) };
  }
  if (dollarsPerMonth === null && hoursPerWeek === null) return {};
  const state = await limitState(ctx, user, db);
  const coming = others.filter((one) => one.phase === 'queued' || one.phase === 'starting');
  if (hoursPerWeek !== null) {
    const wanted = state.hours + coming.length + 1;
    if (state.hours >= hoursPerWeek || wanted > Math.max(hoursPerWeek, 1)) {
      return { refused: limitText.hours(hoursText(state.hours), hoursText(hoursPerWeek), state.week.to) };
    }
  }
  if (dollarsPerMonth !== null) {
    const reserved = await reservedDollars(ctx, db, coming, perHour ?? 0);
    if (state.dollars >= dollarsPerMonth || state.dollars + reserved > dollarsPerMonth) {
      return { refused: limitText.money(amount(state.dollars), amount(dollarsPerMonth), state.month.to) };
    }
  }
  const warning = warningOf(state);
  return warning === undefined ? {} : { warning };
}

/** One hour of this start and of each that is on its way. What is queued has no spec yet and counts like this one. */
async function reservedDollars(ctx: AppContext, db: Db, coming: readonly Server[], perHour: number): Promise<number> {
  let sum = perHour;
  for (const { id, phase } of coming) {
    const other = phase === 'starting' ? ctx.spawner.price?.(await specOf(db, id)).perHour : perHour;
    sum += other ?? perHour;
  }
  return sum;
}

async function serversOf(db: Db, name: string): Promise<Server[]> {
  const user = await findUser(db, name);
  return user ? ((await listServers(db, [user.id])).get(user.id) ?? []) : [];
}

/** A sentence when four fifths of something are used; the one that is closest to its end. */
export function warningOf({ limits, hours, dollars, week, month }: LimitState): string | undefined {
  const share = (used: number, limit: number | null) => (limit === null ? 0 : limit === 0 ? 1 : used / limit);
  const [time, money] = [share(hours, limits.hoursPerWeek), share(dollars, limits.dollarsPerMonth)];
  if (Math.max(time, money) < WARN_AT) return undefined;
  return time >= money
    ? limitText.hoursSoon(hoursText(hours), hoursText(limits.hoursPerWeek ?? 0), week.to)
    : limitText.moneySoon(amount(dollars), amount(limits.dollarsPerMonth ?? 0), month.to);
}

/** Whether something is used up, in words. */
export function exceededOf({ limits, hours, dollars, week, month }: LimitState): string | undefined {
  if (limits.hoursPerWeek !== null && hours >= limits.hoursPerWeek) {
    return limitText.hours(hoursText(hours), hoursText(limits.hoursPerWeek), week.to);
  }
  if (limits.dollarsPerMonth !== null && dollars >= limits.dollarsPerMonth) {
    return limitText.money(amount(dollars), amount(limits.dollarsPerMonth), month.to);
  }
  return undefined;
}

/**
 * Two starts of one person at the same moment are decided one after the other: the second sees the first's row.
 * SQLite has one writer at a time anyway.
 */
export async function takeTurn(ctx: AppContext, db: Db, userId: number): Promise<void> {
  if (ctx.dialect === 'postgres') await lockUser(db, userId);
}
