import type { Observed } from '@atrium/sdk';
import type { Start } from './parts.ts';

/** A machine that was kept ready becomes this person's. Undefined when there is none. */
export async function adoptSpare(_start: Start, _zone: string | undefined): Promise<Observed | undefined> {
  return undefined;
}
