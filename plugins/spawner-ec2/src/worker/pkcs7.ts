import { createHash, type KeyObject, verify } from 'node:crypto';
import { BerError, type BerNode, der, expectTag, octetsOf, oidOf, parseBer, TAG } from './ber.ts';

/* Object identifiers of RFC 5652 and RFC 8017, in hex as they stand in the message. */
const SIGNED_DATA = '2a864886f70d010702';
const DATA = '2a864886f70d010701';
const CONTENT_TYPE = '2a864886f70d010903';
const MESSAGE_DIGEST = '2a864886f70d010904';
const DIGESTS: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};
const RSA_ENCRYPTION = '2a864886f70d010101';
/** RSA with the digest named in one; they must agree. */
const RSA_WITH: Readonly<Record<string, string>> = {
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
};
const MOST_BYTES = 48 * 1024;

/**
 * Verifies a PKCS #7 signed message against keys that are trusted already; certificates inside it count for nothing.
 * Answers the signed content. `detached` is taken where the message holds none.
 * @param text base64, with or without header lines.
 * @throws BerError for anything that is not a message signed by one of the keys.
 */
export function verifySigned(text: string, keys: readonly KeyObject[], detached: Buffer): Buffer {
  const base64 = text.replaceAll(/-----(BEGIN|END) PKCS7-----|\s+/g, '');
  if (base64.length === 0 || base64.length > MOST_BYTES || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new BerError('not base64');
  }
  const outer = expectTag(parseBer(Buffer.from(base64, 'base64')), TAG.sequence);
  if (oidOf(outer.children[0]) !== SIGNED_DATA) throw new BerError('not signed data');
  const signedData = expectTag(expectTag(outer.children[1], TAG.context0).children[0], TAG.sequence);
  const [, , encapsulated, ...rest] = signedData.children;
  const inner = expectTag(encapsulated, TAG.sequence);
  if (oidOf(inner.children[0]) !== DATA) throw new BerError('signed content is not data');
  const wrapped = inner.children[1];
  const content = wrapped ? octetsOf(expectTag(wrapped, TAG.context0).children[0]) : detached;
  // Certificates and revocation lists may stand between.
  const signers = expectTag(rest.at(-1), TAG.set).children;
  if (signers.length !== 1) throw new BerError('not exactly one signature');
  verifySigner(expectTag(signers[0], TAG.sequence), content, keys);
  return content;
}

function verifySigner(signer: BerNode, content: Buffer, keys: readonly KeyObject[]): void {
  const [, , digestAlgorithm, ...rest] = signer.children;
  const digest = DIGESTS[oidOf(expectTag(digestAlgorithm, TAG.sequence).children[0])];
  if (!digest) throw new BerError('a digest that is not accepted');
  const attributes = rest[0]?.tag === TAG.context0 ? rest[0] : undefined;
  const [algorithm, signature] = attributes ? rest.slice(1) : rest;
  const name = oidOf(expectTag(algorithm, TAG.sequence).children[0]);
  if (name !== RSA_ENCRYPTION && RSA_WITH[name] !== digest) throw new BerError('an algorithm that is not accepted');

  let signed = content;
  if (attributes) {
    if (oidOf(onlyValue(attributes, CONTENT_TYPE)) !== DATA) throw new BerError('the content has another type');
    const stated = octetsOf(onlyValue(attributes, MESSAGE_DIGEST));
    if (!stated.equals(createHash(digest).update(content).digest())) throw new BerError('the content was changed');
    // The signature is of the attributes as a set (RFC 5652 §5.4).
    signed = der(TAG.set, attributes.value);
  }
  const bytes = octetsOf(signature);
  if (!keys.some((key) => verify(digest, signed, key, bytes))) throw new BerError('not signed by a trusted key');
}

/** The value of an attribute that must be there once. */
function onlyValue(attributes: BerNode, type: string): BerNode | undefined {
  const found = attributes.children.filter((one) => oidOf(expectTag(one, TAG.sequence).children[0]) === type);
  if (found.length !== 1) throw new BerError('an attribute is missing or doubled');
  const values = expectTag(found[0]!.children[1], TAG.set).children;
  if (values.length !== 1) throw new BerError('an attribute has not one value');
  return values[0];
}
