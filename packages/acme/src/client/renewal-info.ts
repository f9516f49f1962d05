import { X509Certificate } from 'node:crypto';

const AUTHORITY_KEY_ID = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x23]);

/** How RFC 9773 §4.1 names a certificate; undefined for one that does not say which key signed it. */
export function certificateId(pem: string): string | undefined {
  const certificate = new X509Certificate(pem);
  const { raw } = certificate;
  const found = raw.indexOf(AUTHORITY_KEY_ID);
  if (found < 0) return undefined;
  // OCTET STRING, in it SEQUENCE, in it [0]: all short enough for lengths of one byte.
  const at = found + AUTHORITY_KEY_ID.length;
  if (raw[at] !== 0x04 || raw[at + 2] !== 0x30 || raw[at + 4] !== 0x80) return undefined;
  const keyId = raw.subarray(at + 6, at + 6 + raw[at + 5]!);
  const hex = certificate.serialNumber;
  const digits = hex.length % 2 ? `0${hex}` : hex;
  const serial = Buffer.from(/^[89a-f]/i.test(digits) ? `00${digits}` : digits, 'hex');
  return `${keyId.toString('base64url')}.${serial.toString('base64url')}`;
}

/** A time in the window, drawn by lot so that not everybody comes at once (RFC 9773 §4.2); undefined for a window that is none. */
export function drawTime(window: unknown, notAfter: number, random = Math.random): number | undefined {
  const { start, end } = (window ?? {}) as { start?: unknown; end?: unknown };
  if (typeof start !== 'string' || typeof end !== 'string') return undefined;
  const [from, to] = [Date.parse(start), Date.parse(end)];
  if (!(from <= to) || from >= notAfter) return undefined;
  return Math.min(from + random() * (to - from), notAfter);
}
