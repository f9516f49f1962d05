import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { HubError, Secret } from '@atrium/sdk';

/** Version, time, initialisation vector; then the text in blocks of 16; then the signature. */
const HEAD = 1 + 8 + 16;
const SIGNATURE = 32;

/**
 * What stands in `JUPYTERHUB_CRYPT_KEY`, or in a file with the same: keys separated by `;`, each 64 hexadecimal
 * characters, 44 of base64, or 32 bytes as they are.
 * @throws HubError `bad_request`, without showing any of it.
 */
export function cryptKeysIn(text: string): Secret[] {
  const keys = text
    .trim()
    .split(';')
    .map((key) => key.trim())
    .filter(Boolean);
  if (keys.length === 0) throw new HubError('bad_request', 'There is no key in the file of crypt keys.');
  return keys.map((key, at) => {
    const bytes = bytesOf(key);
    if (bytes.length === 32) return new Secret(bytes.toString('hex'), 'crypt key');
    throw new HubError('bad_request', `Crypt key ${at + 1} is none: it has to be 32 bytes, as hexadecimals or base64.`);
  });
}

function bytesOf(key: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(key)) return Buffer.from(key, 'hex');
  if (key.length === 44 && /^[\w-]{43}=$/.test(key)) return Buffer.from(key, 'base64url');
  return Buffer.from(key, 'utf8');
}

/** Opens a Fernet token with the first key that fits; undefined when none does (contract §9.3). */
export function openFernet(token: Buffer, keys: readonly Secret[]): string | undefined {
  const bytes = Buffer.from(token.toString('latin1'), 'base64url');
  if (bytes.length < HEAD + 16 + SIGNATURE || bytes[0] !== 0x80) return undefined;
  const signed = bytes.subarray(0, -SIGNATURE);
  for (const key of keys) {
    const raw = Buffer.from(key.reveal(), 'hex');
    const signature = createHmac('sha256', raw.subarray(0, 16)).update(signed).digest();
    if (!timingSafeEqual(signature, bytes.subarray(-SIGNATURE))) continue;
    try {
      const decipher = createDecipheriv('aes-128-cbc', raw.subarray(16), signed.subarray(9, HEAD));
      return Buffer.concat([decipher.update(signed.subarray(HEAD)), decipher.final()]).toString('utf8');
    } catch {
      // signed by this key, and yet damaged: as good as locked
    }
  }
  return undefined;
}
