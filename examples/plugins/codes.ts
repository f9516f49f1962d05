import { defineAuthenticator, Secret, sameSecret } from '@atrium/sdk';
import { z } from 'zod';

/** People sign in with a code that was handed out on paper, one for each name. */
export const codes = defineAuthenticator({
  id: 'codes',
  config: z.strictObject({
    codes: z.record(z.string(), z.instanceof(Secret)).describe('Name to code.'),
  }),
  form: z.object({ username: z.string().min(1), password: z.string() }),

  create: ({ codes }) => ({
    // `null` means refused and is an everyday outcome. Throw only when it could not be found out.
    async authenticate({ username, password }) {
      const code = Object.hasOwn(codes, username) ? codes[username] : undefined;
      return code && sameSecret(password, code) ? { name: username, groups: ['on-paper'] } : null;
    },
  }),
});
