import { z } from 'zod';

/** Who is in which group, written in the configuration; beside what the sign-in says and `atrium group`. */
export const Groups = z.record(
  z
    .string()
    .max(255)
    .regex(
      /^[^\s/\p{C}]([^/\p{C}]*[^\s/\p{C}])?$/u,
      'A group needs a name without a slash, and without a blank at an edge',
    ),
  z.strictObject({ users: z.array(z.string().min(1)).default([]) }),
);
