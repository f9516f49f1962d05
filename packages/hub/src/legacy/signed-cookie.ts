import { createHmac } from 'node:crypto';
import { HubError, Secret, sameSecret } from '@atrium/sdk';

/** What a file of JupyterHub's cookie secret may say: hexadecimals, or base64 from before 0.8. */
export function cookieSecretIn(text: string): Secret {
  const trimmed = text.trim();
  const bytes = /^([0-9a-f]{2})+$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  if (bytes.length < 16) {
    throw new HubError('bad_request', 'The file of the cookie secret does not hold one: it is too short.');
  }
  return new Secret(bytes.toString('hex'), 'cookie secret');
}

/** Whether a cookie could be one of Tornado's signed ones. It comes in quotes, for the equals signs in it. */
export function looksSigned(cookie: string): boolean {
  return cookie.length <= 1_024 && /^"?2\|1:0\|/.test(cookie);
}

const FIELD = String.raw`\d+:([^|]*)`;
const SIGNED = new RegExp(String.raw`^(2\|${FIELD}\|${FIELD}\|${FIELD}\|${FIELD}\|)([0-9a-f]{64})$`);

/**
 * Reads a value that Tornado signed, version 2: `2|1:0|10:<seconds>|<n>:<name>|<n>:<base64>|<HMAC-SHA256>`.
 * @returns its text and when it was signed (ms), or undefined when the signature does not hold for `name`.
 */
export function openSignedCookie(
  cookie: string,
  name: string,
  secret: Secret,
): { value: string; at: number } | undefined {
  const plain = cookie.startsWith('"') && cookie.endsWith('"') ? cookie.slice(1, -1) : cookie;
  const match = SIGNED.exec(plain);
  if (!match) return undefined;
  const [, signed = '', , seconds = '', itsName, value = '', signature = ''] = match;
  // Checked before what it says is looked at; the lengths before each field need no second look then.
  const right = createHmac('sha256', Buffer.from(secret.reveal(), 'hex')).update(signed).digest('hex');
  if (!sameSecret(signature, right) || itsName !== name || !/^\d{1,12}$/.test(seconds)) return undefined;
  return { value: Buffer.from(value, 'base64').toString('utf8'), at: Number(seconds) * 1000 };
}
