import { z } from 'zod';

const Image = z
  .union([
    z.strictObject({ id: z.string().startsWith('ami-').describe('Id of the image.') }),
    z.strictObject({ parameter: z.string().startsWith('/').describe('SSM parameter that holds the id of the image.') }),
    z.strictObject({
      tags: z
        .record(z.string(), z.string())
        .refine((tags) => Object.keys(tags).length > 0, 'name at least one tag')
        .describe("Tags of the image; the newest of the account's own that carries all of them is taken."),
    }),
  ])
  .describe('The image: its id, an SSM parameter that holds the id, or tags.');
export type ImageAlias = z.output<typeof Image>;

/** One kind of machine that people can choose. */
export const Profile = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'small letters, digits and hyphens, at most 40')
      .describe('What is stored and sent; keep it when the words change.'),
    title: z.string().min(1).describe('What people read.'),
    description: z.string().optional().describe('One sentence more.'),
    types: z
      .array(z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'an instance type like t3.medium'))
      .min(1)
      .describe('Instance types in order of preference; the next is tried when one is not to be had.'),
    image: Image.optional().describe('Without it, the image of the launch template.'),
    rootGb: z.int().min(1).max(16_384).optional().describe('Size of the root disk, in GiB; without it, the image’s.'),
    homeGb: z.int().min(1).max(16_384).optional().describe('Size of a new home, in GiB; without it, `homes.sizeGb`.'),
    market: z
      .enum(['on-demand', 'spot'])
      .default('on-demand')
      .describe('`spot` is cheaper, and AWS may take the machine back with two minutes of warning.'),
    spotFallback: z
      .boolean()
      .default(true)
      .describe('Whether on-demand machines are taken when no spot machine is free.'),
    onIdle: z
      .enum(['stop', 'hibernate', 'terminate'])
      .optional()
      .describe(
        'What a stop does: `stop` keeps the root disk; `hibernate` writes memory to it first and boots no system when it comes back ' +
          '(the notebook server itself starts anew); `terminate` keeps the home only. Without it, `stop`, and `terminate` for ' +
          'spot machines, which cannot be stopped.',
      ),
    idleMinutes: z.number().positive().optional().describe("Minutes of idleness before a stop; without it, the hub's."),
    maxSessionHours: z.number().positive().optional().describe('A session never lasts longer than this.'),
    egress: z
      .enum(['public', 'private'])
      .optional()
      .describe('`public`: the machine gets a public address. `private`: none. Without it, as the subnet says.'),
    groups: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('Groups whose members may choose it; without it, everybody.'),
    price: z.number().nonnegative().optional().describe('Dollars per hour as you pay them; wins over every table.'),
    instanceProfile: z
      .string()
      .startsWith('arn:')
      .optional()
      .describe('Instance profile of the machine; without it, none.'),
    studentRoot: z.boolean().default(false).describe('Whether people may become root on their machine.'),
  })
  .superRefine((profile, context) => {
    const code = 'custom';
    if (profile.market === 'spot' && profile.onIdle !== undefined && profile.onIdle !== 'terminate')
      context.addIssue({
        code,
        path: ['onIdle'],
        message: 'a spot machine cannot be stopped, only terminated; its home stays',
      });
    if (profile.onIdle === 'hibernate' && profile.rootGb === undefined)
      context.addIssue({
        code,
        path: ['rootGb'],
        message: 'hibernation writes memory to the root disk: say how large it is, at least the image and the memory',
      });
  })
  .transform((profile) => ({
    ...profile,
    onIdle: profile.onIdle ?? (profile.market === 'spot' ? ('terminate' as const) : ('stop' as const)),
  }));
export type Profile = z.output<typeof Profile>;
