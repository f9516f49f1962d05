import { z } from 'zod';

/** `manifest.json`, the first thing in a backup. */
export const Manifest = z.object({
  format: z.literal(1),
  version: z.string(),
  at: z.number(),
  database: z.enum(['sqlite', 'postgres']),
  homes: z.boolean(),
});
export type Manifest = z.output<typeof Manifest>;

export const MANIFEST = 'manifest.json';
/** The database inside a backup. */
export const SQLITE_COPY = 'hub.sqlite';
export const POSTGRES_COPY = 'database.pgdump';

/** What can be made again, or belongs to this machine and this run. */
export const NOT_KEPT = [
  'python',
  'wheels',
  'cache',
  'hub-logs',
  'logs',
  'warm',
  'up.lock',
  'last-backup.json',
] as const;
