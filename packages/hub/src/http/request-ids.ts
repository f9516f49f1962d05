import { randomFillSync } from 'node:crypto';

const BYTES = 8;
/** Asking the system for randomness costs more than making an id of it: so many at once. */
const POOL = 256 * BYTES;

/** Makes ids of requests that came without one: 16 hex characters. */
export function requestIds(): () => string {
  const pool = Buffer.alloc(POOL);
  let at = POOL;
  return () => {
    if (at === POOL) {
      randomFillSync(pool);
      at = 0;
    }
    at += BYTES;
    return pool.toString('hex', at - BYTES, at);
  };
}
