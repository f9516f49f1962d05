import { type KeyObject, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { AWS_CERTIFICATES } from './aws-certificates.ts';
import { BerError } from './ber.ts';
import { verifySigned } from './pkcs7.ts';

/** What AWS states about an instance, signed. */
const Document = z.object({
  accountId: z.string().regex(/^\d{12}$/),
  region: z.string().min(1),
  instanceId: z.string().regex(/^i-[0-9a-z]+$/),
  privateIp: z.string().min(1),
  pendingTime: z.string().transform((text, context) => {
    const at = Date.parse(text);
    if (Number.isNaN(at)) context.addIssue('not a time');
    return at;
  }),
  imageId: z.string().optional(),
  instanceType: z.string().optional(),
});
export type IdentityDocument = z.output<typeof Document>;

/** Why a machine was not believed: for the log of the hub, never for the machine. */
export class NotBelieved extends Error {
  override readonly name = 'NotBelieved';
}

/** Verifies identity documents. */
export type IdentityVerifier = (document: string, pkcs7: string, now: number) => IdentityDocument;

/** @param certificates PEM; without, AWS's own of the document's region. */
export function identityVerifier(certificates: readonly string[] | undefined): IdentityVerifier {
  const own = certificates?.map((pem) => new X509Certificate(pem));
  const ofRegion = new Map<string, X509Certificate>();
  const trusted = (region: string): readonly X509Certificate[] => {
    if (own) return own;
    if (!Object.hasOwn(AWS_CERTIFICATES, region)) {
      throw new NotBelieved(`no certificate is known for region '${region.slice(0, 40)}'; see identity.certificates`);
    }
    let certificate = ofRegion.get(region);
    if (!certificate) {
      certificate = new X509Certificate(Buffer.from(AWS_CERTIFICATES[region]!, 'base64'));
      ofRegion.set(region, certificate);
    }
    return [certificate];
  };
  return (document, pkcs7, now) => {
    const claimed = parse(document);
    const keys: KeyObject[] = trusted(claimed.region)
      .filter(({ validFromDate, validToDate }) => validFromDate.getTime() <= now && now < validToDate.getTime())
      .map(({ publicKey }) => publicKey);
    if (keys.length === 0) throw new NotBelieved('every certificate that could have signed it has expired');
    const sent = Buffer.from(document);
    let signed: Buffer;
    try {
      signed = verifySigned(pkcs7, keys, sent);
    } catch (error) {
      if (error instanceof BerError) throw new NotBelieved(`the signature is not good: ${error.message}`);
      throw error;
    }
    // What was signed counts, and nothing else was sent.
    if (!signed.equals(sent)) throw new NotBelieved('the document is not the one that was signed');
    return claimed;
  };
}

function parse(document: string): IdentityDocument {
  let json: unknown;
  try {
    json = JSON.parse(document);
  } catch {
    throw new NotBelieved('the document is not JSON');
  }
  const parsed = Document.safeParse(json);
  if (!parsed.success) throw new NotBelieved(`the document lacks ${parsed.error.issues[0]?.path.join('.')}`);
  return parsed.data;
}
