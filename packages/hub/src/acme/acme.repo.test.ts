import { Secret } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { deriveKeys } from '../keys.ts';
import * as repo from './acme.repo.ts';

const keys = deriveKeys(new Secret('k'));
const DIRECTORY = 'https://ca.example.org/dir';
const answer = (token: string) => ({
  kind: 'http-01' as const,
  domain: 'hub.example.org',
  token,
  answer: `${token}.x`,
});

describeOnDatabases('what hubs keep of ACME', (open) => {
  test('a hub that lost its lease takes nothing from the one that goes on', async () => {
    await using opened = await open();
    const { db } = opened;
    const first = await repo.putChallenges(db, keys, [answer('a')]);
    const second = await repo.putChallenges(db, keys, [answer('a')]);

    expect(await repo.takeBackChallenges(db, first)).toBeUndefined();
    expect(await repo.readFetched(db, keys)).toMatchObject({ challenges: [{ token: 'a' }] });
    const without = await repo.takeBackChallenges(db, second);
    expect(without).toBeGreaterThan(second);
    expect(await repo.readFetched(db, keys)).toEqual({ challenges: [] });
    expect(await repo.readState(db)).toMatchObject({ version: without });

    await repo.putOrder(db, keys, { url: 'https://ca.example.org/order/1', key: 'one' });
    await repo.putOrder(db, keys, { url: 'https://ca.example.org/order/2', key: 'two' });
    await repo.dropOrder(db, 'https://ca.example.org/order/1');
    expect(await repo.readOrder(db, keys)).toEqual({ url: 'https://ca.example.org/order/2', key: 'two' });
    await repo.dropOrder(db, 'https://ca.example.org/order/2');
    expect(await repo.readOrder(db, keys)).toBeUndefined();
  });

  test('of two hubs that want an account at once both use one', async () => {
    await using opened = await open();
    const { db } = opened;
    const keep = (key: string, by = keys) => repo.keepAccountKey(db, by, { directory: DIRECTORY, key, now: 1 });

    const kept = await Promise.all([keep('one'), keep('two')]);
    expect(new Set(kept).size).toBe(1);
    expect(await repo.findAccountKey(db, keys, DIRECTORY)).toBe(kept[0]);

    // A key that nobody can read is none.
    const others = deriveKeys(new Secret('another hub key'));
    expect(await keep('three', others)).toBe('three');
    expect(await repo.findAccountKey(db, others, DIRECTORY)).toBe('three');
  });
});
