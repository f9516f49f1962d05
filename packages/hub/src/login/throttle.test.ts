import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { hashToken } from '../keys.ts';
import { deleteSessions, findSessionRow, insertSession } from '../sessions/sessions.repo.ts';
import { createUser } from '../users/users.service.ts';
import { deleteExpiredLinks, deleteLinks, findLink, insertLink, useLink } from './links.repo.ts';
import { clearAttempts, countAttempt, deleteOldAttempts, lockedUntil, takeBack } from './throttle.repo.ts';
import { addressKey } from './throttle.service.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const policy = { free: 2, windowMs: 60 * MINUTE, firstMs: 10 * SECOND, longestMs: MINUTE };
const T0 = Date.UTC(2026, 10, 21);

describe.each(['sqlite', 'postgres'] as const)('on %s', (on) => {
  const possible = on === 'sqlite' || hasPostgres;
  const stack = { current: new AsyncDisposableStack() };
  let opened: OpenDatabase;

  beforeEach(async () => {
    if (!possible) return;
    stack.current = new AsyncDisposableStack();
    const where = on === 'sqlite' ? ':memory:' : stack.current.use(await testDatabase()).url;
    opened = stack.current.use(await openDatabase(where, { exclusive: false }));
  });
  afterEach(() => stack.current.disposeAsync());

  test.skipIf(!possible)('waits double from the first failure that is not free, up to the longest', async () => {
    const waits = [];
    let now = T0;
    for (let at = 0; at < 8; at += 1) {
      const { counted, lockedUntil: until } = await countAttempt(opened.db, 'k', now, policy);
      expect(counted).toBe(true);
      waits.push(until === 0 ? 0 : (until - now) / SECOND);
      now = Math.max(now, until);
    }

    expect(waits).toEqual([0, 0, 10, 20, 40, 60, 60, 60]);
  });

  test.skipIf(!possible)('while it is locked nothing is counted', async () => {
    for (let at = 0; at < 3; at += 1) await countAttempt(opened.db, 'k', T0, policy);

    expect(await countAttempt(opened.db, 'k', T0 + SECOND, policy)).toEqual({
      counted: false,
      lockedUntil: T0 + 10 * SECOND,
    });
    expect(await countAttempt(opened.db, 'k', T0 + 10 * SECOND, policy)).toMatchObject({
      lockedUntil: T0 + 30 * SECOND,
    });
  });

  test.skipIf(!possible)('of many at once only so many are counted', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => countAttempt(opened.db, 'k', T0, policy)));

    expect(results.filter(({ counted }) => counted)).toHaveLength(3);
  });

  test.skipIf(!possible)('half of it is forgotten after a window, all after two', async () => {
    for (let at = 0; at < 4; at += 1) await countAttempt(opened.db, 'k', T0 + at * MINUTE, policy);

    const half = await countAttempt(opened.db, 'k', T0 + 61 * MINUTE, policy);
    const all = await countAttempt(opened.db, 'k', T0 + 200 * MINUTE, policy);

    expect(half.lockedUntil).toBe(T0 + 61 * MINUTE + 10 * SECOND);
    expect(all.lockedUntil).toBe(0);
  });

  test.skipIf(!possible)('an attempt can be taken back, a key cleared, old ones deleted', async () => {
    for (let at = 0; at < 3; at += 1) await countAttempt(opened.db, 'k', T0, policy);
    await takeBack(opened.db, 'k');
    expect((await countAttempt(opened.db, 'k', T0, policy)).lockedUntil).toBe(T0 + 10 * SECOND);
    await deleteOldAttempts(opened.db, T0 + MINUTE, T0);
    expect(await lockedUntil(opened.db, 'k')).toBe(T0 + 10 * SECOND);
    await deleteOldAttempts(opened.db, T0 + MINUTE, T0 + MINUTE);
    expect(await lockedUntil(opened.db, 'k')).toBe(0);
    await countAttempt(opened.db, 'k', T0, policy);
    await clearAttempts(opened.db, 'k');
    expect(await lockedUntil(opened.db, 'k')).toBe(0);
  });

  test.skipIf(!possible)('a link is used once, by one of those who try together, and not after its time', async () => {
    const link = { kind: 'reset', userId: null, now: T0, expiresAt: T0 + MINUTE } as const;
    await insertLink(opened.db, { ...link, hash: 'a' });
    await insertLink(opened.db, { ...link, hash: 'b' });
    await insertLink(opened.db, { ...link, hash: 'c', kind: 'first-admin' });

    const uses = await Promise.all([1, 2, 3].map(() => useLink(opened.db, 'a', 'reset', T0)));

    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await findLink(opened.db, 'a', 'reset', T0)).toBeUndefined();
    expect(await useLink(opened.db, 'c', 'reset', T0)).toBe(false);
    expect(await findLink(opened.db, 'b', 'reset', T0)).toEqual({ userId: null });
    expect(await useLink(opened.db, 'b', 'reset', T0 + MINUTE)).toBe(false);
    await deleteLinks(opened.db, 'reset', null);
    expect(await findLink(opened.db, 'b', 'reset', T0)).toBeUndefined();
    await deleteExpiredLinks(opened.db, T0 + MINUTE);
    expect(await findLink(opened.db, 'c', 'first-admin', T0)).toBeUndefined();
  });

  test.skipIf(!possible)('sessions: found until they expire; the others of a person end without this one', async () => {
    const ada = await createUser(opened.db, { name: 'ada', now: T0 });
    const bob = await createUser(opened.db, { name: 'bob', now: T0 });
    const times = { created: T0, last_seen: T0, expires_at: T0 + MINUTE };
    for (const [name, user] of [
      ['a1', ada],
      ['a2', ada],
      ['b1', bob],
    ] as const) {
      await insertSession(opened.db, { ...times, hash: hashToken(name), session_id: name, user_id: user?.id ?? 0 });
    }
    const of = async (name: string, now = T0) => (await findSessionRow(opened.db, hashToken(name), now))?.user.name;

    expect([await of('a1'), await of('b1'), await of('c1'), await of('a1', T0 + MINUTE)]).toEqual([
      'ada',
      'bob',
      undefined,
      undefined,
    ]);
    await deleteSessions(opened.db, { userId: ada?.id ?? 0, except: hashToken('a1') });
    expect([await of('a1'), await of('a2'), await of('b1')]).toEqual(['ada', undefined, 'bob']);
    await deleteSessions(opened.db, { hash: hashToken('a1') });
    expect(await of('a1')).toBeUndefined();
  });
});

test.each([
  ['10.0.0.7', 'ip:10.0.0.7'],
  ['::ffff:10.0.0.7', 'ip:10.0.0.7'],
  ['2001:db8:1:2:3:4:5:6', 'ip:2001:db8:1:2::/64'],
  ['2001:DB8:0001:2:ffff::1', 'ip:2001:db8:1:2::/64'],
  ['2001:db8::1', 'ip:2001:db8:0:0::/64'],
  ['::1', 'ip:0:0:0:0::/64'],
  ['fe80::1%eth0', 'ip:fe80:0:0:0::/64'],
])('%s counts as %s', (ip, key) => {
  expect(addressKey(ip)).toBe(key);
});
