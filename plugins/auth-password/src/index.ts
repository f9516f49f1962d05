import { availableParallelism } from 'node:os';
import { type Accounts, defineAuthenticator } from '@atrium/sdk';
import { z } from 'zod';
import { type Cost, hashPassword, isOutdated, verifyPassword } from './hash.ts';
import { turns } from './turns.ts';
import { readCommonPasswords, weakness } from './weakness.ts';

const Stored = z.object({ hash: z.string() });

/** Of the thread pool's four threads one stays free, so that files and names are still looked up during a rush. */
const HASHES_AT_ONCE = Math.min(3, Math.max(2, availableParallelism() - 1));

/** Accounts with passwords of their own, kept by the hub as argon2id hashes. */
export const password = defineAuthenticator({
  id: 'password',
  config: z.strictObject({
    signUp: z
      .enum(['off', 'open', 'approval'])
      .default('approval')
      .describe('Whether people may make an account: not at all, at once, or after an administrator approves it.'),
    minLength: z.int().min(8).max(64).default(10).describe('Fewest characters of a password.'),
    hashing: z
      .strictObject({
        memoryKiB: z.int().min(64).default(19_456).describe('Memory of one hash, KiB.'),
        passes: z.int().min(1).default(2).describe('Passes over that memory.'),
      })
      .prefault({})
      .describe('What one argon2id hash costs. After a change each account is hashed anew at its next sign-in.'),
  }),
  form: z.object({ username: z.string().min(1).max(255), password: z.string().max(1024) }),

  create: ({ signUp, minLength, hashing }, { store, log }) => {
    const cost: Cost = hashing;
    const inTurn = turns(HASHES_AT_ONCE);
    const key = (name: string) => `account/${name}`;
    const common = readCommonPasswords();
    // Verified in place of an account that does not exist, so that the answer takes as long.
    let decoy: Promise<string> | undefined;

    const find = async (name: string) => {
      const value = await store.get(key(name));
      return value === undefined ? undefined : Stored.parse(value).hash;
    };
    const set = async (name: string, given: string) => {
      await store.put(key(name), { hash: await inTurn(() => hashPassword(given, cost)) });
    };
    const renew = async (name: string, given: string, stored: string) => {
      const hash = await inTurn(() => hashPassword(given, cost));
      // Changed by somebody meanwhile: the newer password stays.
      if ((await find(name)) === stored) await store.put(key(name), { hash });
    };
    const verify = async (name: string, given: string) => {
      const stored = await find(name);
      decoy ??= inTurn(() => hashPassword('decoy', cost));
      const against = stored ?? (await decoy);
      const right = await inTurn(() => verifyPassword(given, against));
      if (!right || stored === undefined) return false;
      if (isOutdated(stored, cost)) {
        // The person is in, whatever becomes of this.
        await renew(name, given, stored).catch((err) => log.warn({ err, name }, 'could not renew a password hash'));
      }
      return true;
    };

    const accounts: Accounts = {
      signUp,
      has: async (name) => (await find(name)) !== undefined,
      problem: (name, given) => weakness(name, given, { minLength, common }),
      set,
      verify,
      remove: (name) => store.delete(key(name)),
      async rename(from, to) {
        const stored = await find(from);
        if (stored === undefined) return store.delete(key(to));
        await store.put(key(to), { hash: stored });
        await store.delete(key(from));
      },
    };
    return {
      accounts,
      authenticate: async ({ username, password: given }) =>
        (await verify(username, given)) ? { name: username } : null,
    };
  },
});
