import type { Options, SpawnForm, SpawnUser } from '@atrium/sdk';
import { z } from 'zod';

/** A kind of server that can be chosen; they are all the same, and only look different. */
export const EchoProfile = z.strictObject({
  id: z.string().min(1),
  title: z.string().min(1),
  description: z.string().optional(),
  facts: z.array(z.string()).default([]),
  perHour: z.number().nonnegative().nullable().optional().describe('Dollars; null for a price that nobody knows.'),
  stopAfter: z.int().nonnegative().optional().describe('Seconds without activity until it stops.'),
  maxAge: z.int().nonnegative().optional().describe('Seconds until it stops, busy or not.'),
  groups: z.array(z.string()).optional().describe('Only members of these groups may have it.'),
});
export type EchoProfile = z.output<typeof EchoProfile>;

/** The form that offers them. */
export function formOf(profiles: readonly [EchoProfile, ...EchoProfile[]], user: SpawnUser): SpawnForm {
  const ids = profiles.map(({ id }) => id);
  return {
    profiles: profiles.map(({ id, title, description, facts, perHour, groups }) => ({
      id,
      title,
      facts,
      ...(description !== undefined && { description }),
      ...(perHour !== undefined && { price: { perHour } }),
      ...(groups &&
        !groups.some((name) => user.groups.includes(name)) && {
          unavailable: `Only for members of ${groups.join(', ')}.`,
        }),
    })),
    chosen: profiles[0].id,
    schema: z.strictObject({ profile: z.enum(ids, `Choose one of ${ids.join(', ')}`).optional() }),
  };
}

/** The profile that these options name, or the first. */
export function profileOf(profiles: readonly EchoProfile[], options: Options): EchoProfile | undefined {
  return profiles.find(({ id }) => id === options.profile) ?? profiles[0];
}
