import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  altNames,
  bits,
  context,
  ECDSA_SHA256,
  integer,
  octets,
  oid,
  pem,
  sequence,
  set,
  time,
  utf8,
  yes,
} from './der.ts';

const EXTENSION_REQUEST = oid('1.2.840.113549.1.9.14');
const COMMON_NAME = oid('2.5.4.3');
/** RFC 8737 §6.1. */
const ACME_IDENTIFIER = oid('1.3.6.1.5.5.7.1.31');
const DAY_MS = 86_400_000;

const publicOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });

/** What `key` signed, with its signature: a request or a certificate. */
const withSignature = (body: Buffer, key: KeyObject): Buffer =>
  sequence(body, ECDSA_SHA256, bits(sign('sha256', body, key)));

/** A request (PKCS #10, DER) for a certificate for all of `names`; without a subject, which authorities fill in or not. */
export function certificateRequest(names: readonly string[], key: KeyObject): Buffer {
  const extensions = sequence(EXTENSION_REQUEST, set(sequence(altNames(names))));
  return withSignature(sequence(integer(Buffer.from([0])), sequence(), publicOf(key), context(0, extensions)), key);
}

/** The certificate (PEM) that answers a TLS-ALPN-01 challenge (RFC 8737 §3). @param answer the key authorization */
export function challengeCertificate(name: string, answer: string, key: KeyObject, now: number): string {
  const subject = sequence(set(sequence(COMMON_NAME, utf8('ACME challenge'))));
  const digest = createHash('sha256').update(answer).digest();
  const body = sequence(
    context(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    subject,
    sequence(time(now - DAY_MS), time(now + 7 * DAY_MS)),
    subject,
    publicOf(key),
    context(3, sequence(altNames([name]), sequence(ACME_IDENTIFIER, yes, octets(octets(digest))))),
  );
  return pem('CERTIFICATE', withSignature(body, key));
}
