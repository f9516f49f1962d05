import { randomBytes, scryptSync } from 'node:crypto';
import { type Accounts, type Json, type PluginContext, systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { hashPassword, isOutdated, verifyPassword } from './hash.ts';
import { password } from './index.ts';
import { turns } from './turns.ts';

const cheap = { memoryKiB: 64, passes: 1 };
const request = { ip: '127.0.0.1' };
const good = 'green otter paints trams';

/** The plug-in on a store that is a map: what the hub offers, without its database. */
async function open(values = new Map<string, Json>(), options: Parameters<typeof password>[0] = { hashing: cheap }) {
  const plugin = password(options);
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const context = {
    hubId: 'test',
    dataDir: '/nowhere',
    runDir: '/nowhere',
    clock: systemClock,
    log: silent,
    helper: undefined,
    store: {
      get: async (key) => values.get(key),
      put: async (key, value) => void values.set(key, value),
      delete: async (key) => void values.delete(key),
      claim: async (key, value) => !values.has(key) && values.set(key, value) === values,
      swap: async (key, seen, value) =>
        JSON.stringify(values.get(key)) === JSON.stringify(seen) && values.set(key, value) === values,
      entries: async (prefix) => [...values].filter(([key]) => key.startsWith(prefix)),
    },
  } satisfies PluginContext;
  const authenticator = await plugin.create(plugin.config.parse(plugin.options), context);
  return { authenticator, accounts: authenticator.accounts as Accounts, values };
}

test('an account signs in with its password and with nothing else', async () => {
  const { authenticator, accounts, values } = await open();

  await accounts.set('ada', good);

  expect(await authenticator.authenticate({ username: 'ada', password: good }, request)).toEqual({ name: 'ada' });
  expect(await authenticator.authenticate({ username: 'ada', password: `${good}.` }, request)).toBeNull();
  expect(await authenticator.authenticate({ username: 'bob', password: good }, request)).toBeNull();
  expect(await authenticator.authenticate({ username: 'ada', password: '' }, request)).toBeNull();
  expect(JSON.stringify([...values])).not.toContain('otter');
});

test('the name that stands in for unknown accounts opens nothing', async () => {
  const { authenticator } = await open();

  expect(await authenticator.authenticate({ username: 'nobody', password: 'decoy' }, request)).toBeNull();
});

test('an account that was removed is gone, and can be made again', async () => {
  const { accounts } = await open();
  await accounts.set('ada', good);

  await accounts.remove('ada');

  expect(await accounts.has('ada')).toBe(false);
  expect(await accounts.verify('ada', good)).toBe(false);
});

test('a password follows its person to a new name, and none is left or found there otherwise', async () => {
  const { accounts } = await open();
  await accounts.set('ada', good);

  await accounts.rename?.('ada', 'lovelace');
  expect([await accounts.verify('ada', good), await accounts.verify('lovelace', good)]).toEqual([false, true]);
  await accounts.rename?.('nobody', 'lovelace');
  expect(await accounts.has('lovelace')).toBe(false);
});

test('a hash made with other parameters is renewed by a sign-in, and by that only', async () => {
  const { accounts, values } = await open();
  await accounts.set('ada', good);
  const before = JSON.stringify(values.get('account/ada'));
  const dearer = await open(values, { hashing: { memoryKiB: 128, passes: 1 } });

  await dearer.accounts.verify('ada', 'not the password');
  const afterWrong = JSON.stringify(values.get('account/ada'));
  await dearer.accounts.verify('ada', good);
  const afterRight = JSON.stringify(values.get('account/ada'));

  expect(afterWrong).toBe(before);
  expect(afterRight).toContain('m=128,');
  expect(await dearer.accounts.verify('ada', good)).toBe(true);
});

test('a scrypt hash brought from elsewhere is verified and counts as outdated', async () => {
  const salt = randomBytes(16);
  const tag = scryptSync(good, salt, 32, { N: 1024, r: 8, p: 1 });
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  const phc = `$scrypt$ln=10,r=8,p=1$${base64(salt)}$${base64(tag)}`;

  expect(await verifyPassword(good, phc)).toBe(true);
  expect(await verifyPassword('other', phc)).toBe(false);
  expect(isOutdated(phc, cheap)).toBe(true);
});

test('a damaged hash is an error, never a match', async () => {
  const phc = await hashPassword(good, cheap);

  await expect(verifyPassword(good, '')).rejects.toThrow(/damaged/);
  await expect(verifyPassword(good, phc.slice(0, -40))).rejects.toThrow(/damaged/);
  await expect(verifyPassword(good, phc.replace('argon2id', 'argon2x'))).rejects.toThrow(/kind/);
  await expect(verifyPassword(good, phc.replace('m=', 'x='))).rejects.toThrow(/parameter m/);
});

test('the same letters composed in another way are the same password', async () => {
  const phc = await hashPassword('Ärmelkanal'.normalize('NFD'), cheap);

  expect(await verifyPassword('Ärmelkanal'.normalize('NFC'), phc)).toBe(true);
});

test('turns: no more than the limit at once, in order, and a failure passes the turn on', async () => {
  const inTurn = turns(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;

  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, at) =>
      inTurn(async () => {
        running += 1;
        most = Math.max(most, running);
        order.push(at);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (at % 5 === 0) throw new Error('no');
        return at;
      }),
    ),
  );

  expect(most).toBe(2);
  expect(order).toEqual(Array.from({ length: 20 }, (_, at) => at));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(4);
});
