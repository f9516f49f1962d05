import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { Duration } from './duration.ts';

/** `metrics`: what Prometheus reads. */
export const MetricsConfig = z.strictObject({
  public: z
    .boolean()
    .default(false)
    .describe(
      'Everybody may read them, without a token of scope read:metrics: where only your Prometheus can get there.',
    ),
  prefix: z
    .string()
    .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$|^$/, 'Letters, digits and _')
    .default('jupyterhub')
    .describe("Begins the names of JupyterHub's metrics; ours begin with atrium."),
});

/** `audit`: who did what to whom. */
export const AuditConfig = z.strictObject({
  keep: Duration.prefault('365d').describe('How long entries of the audit trail are kept; 0 for ever.'),
});

/** `eventLog`: starts and stops as JSON lines, for programs that read JupyterHub's. */
export const EventLogConfig = z.strictObject({
  file: z
    .string()
    .refine(isAbsolute, 'Write an absolute path')
    .optional()
    .describe('Where to append them; without it, nowhere. Rename it whenever you like: it is opened for each line.'),
});
