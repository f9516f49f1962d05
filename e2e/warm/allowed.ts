import type { Allowed } from './compare.ts';

/** By what a cold server can be told from a warm one. At most eight, and each harmless. */
export const ALLOWED: readonly Allowed[] = [];
