import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes } from 'node:crypto';
import { Secret } from '@atrium/sdk';

/** SHA-256 hex: how tokens, cookies and codes are stored. All are random and long, so no salt is needed. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/** `bytes` random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** An opaque id: letters and digits, starts with a letter. */
export function randomId(length = 12): string {
  return Array.from(randomBytes(length), (byte, at) => LETTERS[byte % (at === 0 ? 26 : 36)]).join('');
}

/** What is derived from the hub key: nothing here is stored. */
export interface Keys {
  /**
   * A token of one start: 32 hex, the same whenever it is derived. `number` counts the tokens that this start was given
   * (`token_number` of its row): 0 is the one it begins with.
   */
  serverToken(serverId: string, generation: number, number: number): Secret;
  /** The token of a service that we run: 32 hex, the same for every hub. `id` is its row's and never given twice. */
  serviceToken(id: number): Secret;
  /** HMAC-SHA256, url-safe base64, for values the browser hands back (XSRF). `purpose` separates uses. */
  sign(purpose: string, text: string): string;
  /** For what is stored and must not be read from a copy of the database: AES-256-GCM, url-safe base64. */
  seal(purpose: string, text: string): string;
  /** Undefined for what was not sealed with this key for this purpose. */
  open(purpose: string, sealed: string): string | undefined;
}

const NONCE = 12;
const TAG = 16;

export function deriveKeys(hubKey: Secret): Keys {
  const mac = (purpose: string, text: string) => createHmac('sha256', hubKey.reveal()).update(`${purpose}\0${text}`);
  return {
    serverToken: (serverId, generation, number) => {
      const which = number === 0 ? `${serverId}:${generation}` : `${serverId}:${generation}:${number}`;
      return new Secret(mac('server-token', which).digest('hex').slice(0, 32), 'derived');
    },
    serviceToken: (id) => new Secret(mac('service-token', String(id)).digest('hex').slice(0, 32), 'derived'),
    sign: (purpose, text) => mac(purpose, text).digest('base64url'),
    seal(purpose, text) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', mac('seal', purpose).digest(), nonce);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < NONCE + TAG) return undefined;
      const key = mac('seal', purpose).digest();
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG });
      decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}
