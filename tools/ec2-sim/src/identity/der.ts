/** The few pieces of ASN.1 that a certificate and a signed identity document need (X.690). */

const OIDS = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  algorithmProtection: '1.2.840.113549.1.9.52',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  dsaWithSha1: '1.2.840.10040.4.3',
  dsaWithSha256: '2.16.840.1.101.3.4.3.2',
  country: '2.5.4.6',
  state: '2.5.4.8',
  locality: '2.5.4.7',
  organization: '2.5.4.10',
} as const;

function lengthOf(size: number): Buffer {
  if (size < 128) return Buffer.from([size]);
  const digits = Buffer.from(size.toString(16).padStart(size > 0xffff ? 6 : size > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
}

/** Any element with a definite length. */
export function element(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

/** An element of indefinite length, as BER allows and AWS's signer writes it. */
export const open = (tag: number, ...content: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x80]), ...content, Buffer.from([0, 0])]);

export const sequence = (...content: Buffer[]): Buffer => element(0x30, ...content);

/** A SET OF, in the order DER asks for. */
export const setOf = (...content: Buffer[]): Buffer => element(0x31, ...content.sort(Buffer.compare));

export const octets = (bytes: Buffer): Buffer => element(0x04, bytes);

export const nothing = (): Buffer => element(0x05);

/** A number that is not negative, from its bytes. */
export const integer = (bytes: Buffer): Buffer =>
  element(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);

/** A bit string of whole bytes. */
export const bits = (bytes: Buffer): Buffer => element(0x03, Buffer.from([0]), bytes);

export function oid(name: keyof typeof OIDS): Buffer {
  const [first = 0, second = 0, ...rest] = OIDS[name].split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return element(0x06, Buffer.from(bytes));
}

/** A time until 2049: `YYMMDDHHMMSSZ`. */
export const utcTime = (ms: number): Buffer =>
  element(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));

/** The name on AWS's certificates for instance identity. */
export function awsName(): Buffer {
  const part = (name: keyof typeof OIDS, value: string): Buffer =>
    setOf(sequence(oid(name), element(0x13, Buffer.from(value))));
  return sequence(
    part('country', 'US'),
    part('state', 'Washington State'),
    part('locality', 'Seattle'),
    part('organization', 'Amazon Web Services LLC'),
  );
}
