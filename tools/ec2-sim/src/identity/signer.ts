import { createHash, generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import * as der from './der.ts';

const generate = promisify(generateKeyPair);
const DAY = 86_400_000;

/** How a key signs: AWS has an RSA and a DSA form of the same thing. */
interface Scheme {
  digest: 'sha1' | 'sha256';
  /** The signature algorithm with its parameters, inside an identity document. */
  algorithm: Buffer;
  /** The same in the certificate, which is always signed with SHA-256. */
  certificateAlgorithm: Buffer;
}

const RSA: Scheme = {
  digest: 'sha256',
  algorithm: der.sequence(der.oid('sha256WithRsa'), der.nothing()),
  certificateAlgorithm: der.sequence(der.oid('sha256WithRsa'), der.nothing()),
};
const DSA: Scheme = {
  digest: 'sha1',
  algorithm: der.sequence(der.oid('dsaWithSha1')),
  certificateAlgorithm: der.sequence(der.oid('dsaWithSha256')),
};

/** A key with its self-signed certificate, as AWS publishes one per region and form. */
export interface Signer {
  /** PEM. */
  certificate: string;
  /** A PKCS #7 SignedData that carries `document`, base64 in lines of 76. Without certificates, like AWS's. */
  pkcs7(document: string, at: number): string;
  /** The bare signature over `document`, base64 in lines of 76. */
  signature(document: string): string;
}

/** Makes a key of the given kind. `from` is when the certificate begins to be valid. */
export async function makeSigner(kind: 'rsa2048' | 'rsa1024' | 'dsa', from: number): Promise<Signer> {
  const { publicKey, privateKey } =
    kind === 'dsa'
      ? await generate('dsa', { modulusLength: 1024, divisorLength: 160 })
      : await generate('rsa', { modulusLength: kind === 'rsa2048' ? 2048 : 1024 });
  const scheme = kind === 'dsa' ? DSA : RSA;
  const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(7)]);
  const certificate = selfSigned(publicKey, privateKey, serial, scheme, from);
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${inLines(certificate, 64)}\n-----END CERTIFICATE-----\n`,
    pkcs7: (document, at) => inLines(signedData(Buffer.from(document), privateKey, serial, scheme, at), 76),
    signature: (document) => inLines(sign(scheme.digest, Buffer.from(document), privateKey), 76),
  };
}

function selfSigned(publicKey: KeyObject, key: KeyObject, serial: Buffer, scheme: Scheme, from: number): Buffer {
  const unsigned = der.sequence(
    der.element(0xa0, der.integer(Buffer.from([2]))),
    der.integer(serial),
    scheme.certificateAlgorithm,
    der.awsName(),
    der.sequence(der.utcTime(from - DAY), der.utcTime(from + 365 * 10 * DAY)),
    der.awsName(),
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  return der.sequence(unsigned, scheme.certificateAlgorithm, der.bits(sign('sha256', unsigned, key)));
}

/*
 * The form is AWS's to the byte: indefinite lengths, the document in a constructed octet string, no certificates, and
 * four signed attributes, one of which protects the choice of algorithms (RFC 6211).
 */
function signedData(document: Buffer, key: KeyObject, serial: Buffer, scheme: Scheme, at: number): Buffer {
  const one = der.integer(Buffer.from([1]));
  const digest = der.sequence(der.oid(scheme.digest), der.nothing());
  const attribute = (name: Parameters<typeof der.oid>[0], value: Buffer): Buffer =>
    der.sequence(der.oid(name), der.setOf(value));
  const attributes = der.setOf(
    attribute('contentType', der.oid('data')),
    attribute('signingTime', der.utcTime(at)),
    attribute(
      'algorithmProtection',
      der.sequence(digest, Buffer.concat([Buffer.from([0xa1]), scheme.algorithm.subarray(1)])),
    ),
    attribute('messageDigest', der.octets(createHash(scheme.digest).update(document).digest())),
  );
  const signer = der.sequence(
    one,
    der.sequence(der.awsName(), der.integer(serial)),
    digest,
    Buffer.concat([Buffer.from([0xa0]), attributes.subarray(1)]),
    scheme.algorithm,
    der.octets(sign(scheme.digest, attributes, key)),
  );
  return der.open(
    0x30,
    der.oid('signedData'),
    der.open(
      0xa0,
      der.open(
        0x30,
        one,
        der.setOf(digest),
        der.open(0x30, der.oid('data'), der.open(0xa0, der.open(0x24, der.octets(document)))),
        der.setOf(signer),
      ),
    ),
  );
}

const inLines = (bytes: Buffer, width: number): string =>
  (bytes.toString('base64').match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join('\n');
