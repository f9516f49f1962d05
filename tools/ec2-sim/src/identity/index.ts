import { makeSigner, type Signer } from './signer.ts';

/** What a document says about an instance. */
export interface IdentityFacts {
  accountId: string;
  architecture: string;
  availabilityZone: string;
  imageId: string;
  instanceId: string;
  instanceType: string;
  /** Newest launch or start, milliseconds; the document keeps whole seconds. */
  pendingTime: number;
  privateIp: string;
  region: string;
}

/** Signs identity documents as AWS does in one region. */
export interface IdentityAuthority {
  /** PEM of the RSA-2048 certificate: what a verifier is configured with. */
  certificate: string;
  rsa2048(facts: IdentityFacts): string;
  /** The DSA form at `/pkcs7`. Its key is made when first asked for. */
  pkcs7(facts: IdentityFacts): Promise<string>;
  /** The RSA-1024 form at `/signature`. */
  signature(facts: IdentityFacts): Promise<string>;
}

/** The document as the metadata service shows it: sorted keys, a space before each colon. */
export function identityDocument(facts: IdentityFacts): string {
  const fields: Record<string, string | null> = {
    accountId: facts.accountId,
    architecture: facts.architecture,
    availabilityZone: facts.availabilityZone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: facts.imageId,
    instanceId: facts.instanceId,
    instanceType: facts.instanceType,
    kernelId: null,
    pendingTime: new Date(facts.pendingTime).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    privateIp: facts.privateIp,
    ramdiskId: null,
    region: facts.region,
    version: '2017-09-30',
  };
  const lines = Object.entries(fields).map(([key, value]) => `  "${key}" : ${JSON.stringify(value)}`);
  return `{\n${lines.join(',\n')}\n}`;
}

/** Makes the keys of a region; `now` is the clock's time. */
export async function createAuthority(now: number): Promise<IdentityAuthority> {
  const rsa = await makeSigner('rsa2048', now);
  let dsa: Promise<Signer> | undefined;
  let small: Promise<Signer> | undefined;
  const signedAt = (facts: IdentityFacts): number => facts.pendingTime + 3_000;
  return {
    certificate: rsa.certificate,
    rsa2048: (facts) => rsa.pkcs7(identityDocument(facts), signedAt(facts)),
    async pkcs7(facts) {
      dsa ??= makeSigner('dsa', now);
      return (await dsa).pkcs7(identityDocument(facts), signedAt(facts));
    },
    async signature(facts) {
      small ??= makeSigner('rsa1024', now);
      return (await small).signature(identityDocument(facts));
    },
  };
}
