import { FormFile, type Options, type SpawnForm, type SpawnUser } from '@atrium/sdk';
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

/** Something else that is asked before a start, and not used for anything. */
export const EchoField = z.strictObject({
  name: z.string().regex(/^[a-z]\w*$/),
  label: z.string().min(1),
  kind: z.enum(['text', 'choice', 'file']),
  hint: z.string().optional(),
  required: z.boolean().optional(),
  choices: z.array(z.strictObject({ value: z.string().min(1), title: z.string().min(1) })).optional(),
});
export type EchoField = z.output<typeof EchoField>;

function optionOf({ kind, choices = [] }: EchoField): z.ZodType {
  if (kind === 'file') return z.array(FormFile).optional();
  if (kind === 'text') return z.string().max(2_000).optional();
  const values = choices.map(({ value }) => value);
  return z.enum(values, `Choose one of ${values.join(', ')}`).optional();
}

/** The form that offers them. */
export function formOf(
  profiles: readonly [EchoProfile, ...EchoProfile[]],
  fields: readonly EchoField[],
  user: SpawnUser,
): SpawnForm {
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
    fields: fields.map(({ hint, required, choices, ...field }) => ({
      ...field,
      ...(hint !== undefined && { hint }),
      ...(required !== undefined && { required }),
      ...(choices && { choices }),
    })),
    chosen: profiles[0].id,
    schema: z.strictObject({
      profile: z.enum(ids, `Choose one of ${ids.join(', ')}`).optional(),
      ...Object.fromEntries(
        fields.map((field) => [field.kind === 'file' ? `${field.name}_file` : field.name, optionOf(field)]),
      ),
    }),
  };
}

/** The profile that these options name, or the first. */
export function profileOf(profiles: readonly EchoProfile[], options: Options): EchoProfile | undefined {
  return profiles.find(({ id }) => id === options.profile) ?? profiles[0];
}
