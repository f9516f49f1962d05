import type { z } from 'zod';
import type { Price } from './money.ts';

/** One kind of server that a person can choose, by `user_options.profile`. */
export interface SpawnProfile {
  /** What is sent and stored. */
  id: string;
  title: string;
  description?: string;
  /** Short facts in a row: `2 vCPU`, `4 GiB`, `1 × T4`. */
  facts: readonly string[];
  /** Absent when a price means nothing here. */
  price?: Price;
  /** Why this person cannot have it, in plain words; absent when they can. The hub adds what money limits say. */
  unavailable?: string;
}

/** What is asked before a start, for one person. */
export interface SpawnForm {
  profiles: readonly SpawnProfile[];
  /** Id of the profile that is chosen when nothing is. */
  chosen: string;
  /** Checks `user_options` from the form and from the API alike. */
  schema: z.ZodType;
}
