import type { AppContext } from '../context.ts';
import {
  clearAttempts,
  countAttempt,
  deleteOldAttempts,
  lockedUntil,
  type ThrottlePolicy,
  takeBack,
} from './throttle.repo.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** About fifteen guesses an hour at one name, whoever makes them; the longest wait is a coffee, not a day. */
const BY_NAME: ThrottlePolicy = { free: 5, windowMs: 60 * MINUTE, firstMs: 10 * SECOND, longestMs: 15 * MINUTE };
/** A class of hundreds sits behind one address and mistypes the same new password: only a flood of failures counts. */
const BY_ADDRESS: ThrottlePolicy = { free: 1_000, windowMs: 15 * MINUTE, firstMs: 30 * SECOND, longestMs: 5 * MINUTE };
/** Of accounts asked for from one address. */
const SIGN_UPS: ThrottlePolicy = { free: 400, windowMs: 60 * MINUTE, firstMs: MINUTE, longestMs: 15 * MINUTE };
const KEPT_MS = 2 * 60 * MINUTE;

/** People type passwords where the name belongs, so what was typed is not stored in clear. */
const nameKey = (ctx: AppContext, name: string) => `name:${ctx.keys.sign('login-throttle', name)}`;

/** One address; of IPv6 the /64 network, all of which one person has. */
export function addressKey(ip: string): string {
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!address.includes(':')) return `ip:${address}`;
  const [left = '', right] = address.toLowerCase().split('%', 1)[0]?.split('::') ?? [];
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const groups =
    right === undefined ? head : [...head, ...Array(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  return `ip:${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

/** Before a password is looked at. @returns when to try again, or null to go on; the attempt counts as failed until `succeeded`. */
export async function beginAttempt(ctx: AppContext, name: string, ip: string): Promise<number | null> {
  const now = ctx.clock.now();
  const address = await lockedUntil(ctx.db, addressKey(ip));
  if (address > now) return address;
  const { counted, lockedUntil: until } = await countAttempt(ctx.db, nameKey(ctx, name), now, BY_NAME);
  return counted ? null : until;
}

/** @returns when this name or address may try again, when that is not now. */
export async function failed(ctx: AppContext, name: string, ip: string): Promise<number | null> {
  const now = ctx.clock.now();
  const { lockedUntil: address } = await countAttempt(ctx.db, addressKey(ip), now, BY_ADDRESS);
  const until = Math.max(address, await lockedUntil(ctx.db, nameKey(ctx, name)));
  return until > now ? until : null;
}

/** Also for a password that was set anew: whoever was locked out may come in. */
export function succeeded(ctx: AppContext, name: string): Promise<void> {
  return clearAttempts(ctx.db, nameKey(ctx, name));
}

/** Neither right nor wrong: it could not be found out. */
export function undecided(ctx: AppContext, name: string): Promise<void> {
  return takeBack(ctx.db, nameKey(ctx, name));
}

/** @returns when another account may be asked for from this address, or null for now. */
export async function countSignUp(ctx: AppContext, ip: string): Promise<number | null> {
  const key = `signup:${addressKey(ip)}`;
  const { counted, lockedUntil: until } = await countAttempt(ctx.db, key, ctx.clock.now(), SIGN_UPS);
  return counted ? null : until;
}

export function forgetOldAttempts(ctx: AppContext): Promise<void> {
  const now = ctx.clock.now();
  return deleteOldAttempts(ctx.db, now - KEPT_MS, now);
}
