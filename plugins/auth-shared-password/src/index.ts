import { defineAuthenticator, Secret, sameSecret } from '@atrium/sdk';
import { z } from 'zod';

const password = z.instanceof(Secret, { error: 'Use secret.env(…) or secret.file(…)' });

/**
 * One password for a class, another for each of its staff. Good for a workshop, wrong for a campus: whoever knows the
 * class password can sign in under any name that is not an administrator's.
 */
export const sharedPassword = defineAuthenticator({
  id: 'shared-password',
  config: z.strictObject({
    password: password.describe('What everybody in the room types.'),
    staff: z
      .record(z.string().min(1), password)
      .default({})
      .describe('Staff user name to their own password; they are administrators.'),
  }),
  form: z.object({ username: z.string().min(1).max(255), password: z.string().max(1024) }),

  create: ({ password: common, staff }) => {
    // The hub lower-cases names: `Prof` with the class password must not become `prof`.
    const own = new Map(Object.entries(staff).map(([name, secret]) => [name.toLowerCase(), secret]));
    return {
      async authenticate({ username, password: given }) {
        const secret = own.get(username.toLowerCase());
        if (!sameSecret(given, secret ?? common)) return null;
        return secret ? { name: username, admin: true } : { name: username, shared: true };
      },
    };
  },
});
