import * as first from './001-first.ts';

/** In order; the position plus one is the schema version. Never reorder or remove. */
export const MIGRATIONS = [first] as const;
