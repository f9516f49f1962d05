import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Secret } from '@atrium/sdk';
import type { Keys } from '../keys.ts';

/** A key of its own for each use, from the hub key, which is not in the database. */
const keyFor = (keys: Keys, purpose: string) => Buffer.from(keys.sign('seal', purpose), 'base64url');

/** Encrypts what has to be stored and read again, with the hub key: whoever has the database alone cannot read it. */
export function seal(keys: Keys, purpose: string, secret: Secret): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyFor(keys, purpose), nonce);
  const text = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
}

/** Undefined when it was sealed with another hub key. */
export function unseal(keys: Keys, purpose: string, sealed: string): Secret | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyFor(keys, purpose), bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return new Secret(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8'), purpose);
  } catch {
    return undefined;
  }
}
