import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { TimeZone } from './calendar-schema.ts';
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

/** `charts`: what the administration page draws. */
export const ChartsConfig = z.strictObject({
  keep: Duration.prefault('400d').describe('How long the figures behind the charts are kept; 0 for ever.'),
  timeZone: TimeZone.optional().describe(
    'Whose days and hours are counted, such as "Europe/Zurich"; without it, the ones of the machine of the hub.',
  ),
});
