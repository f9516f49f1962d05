import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { AcmeProblem } from './problem.ts';

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USE = '2.5.29.37.0';
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * What an authority sends is not served before it was looked at. A chain with a gap, or in another order than it was
 * signed in (RFC 8555 §9.1), is none: browsers would refuse it, and the certificate of before is worth more.
 * @param key PEM
 * @returns the server's own certificate
 * @throws AcmeProblem
 */
export function readIssued(chain: string, key: string, domains: readonly string[]): X509Certificate {
  let certificates: X509Certificate[];
  try {
    certificates = (chain.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new AcmeProblem('The ACME server sent a certificate that is broken.', { cause });
  }
  const [own] = certificates;
  if (!own) throw new AcmeProblem('The ACME server sent something else instead of a certificate.');
  if (!own.checkPrivateKey(createPrivateKey(key))) {
    throw new AcmeProblem('The ACME server sent a certificate for another key.');
  }
  const gap = certificates.findIndex((each, at) => at > 0 && !isSignedBy(certificates[at - 1]!, each));
  if (gap > 0) {
    throw new AcmeProblem(
      `The ACME server sent a chain in which certificate ${gap + 1} did not sign the one before it.`,
    );
  }
  const names = `, ${own.subjectAltName?.toLowerCase()},`;
  const missing = domains.find((name) => !names.includes(`, DNS:${name},`.toLowerCase()));
  if (missing !== undefined) throw new AcmeProblem(`The ACME server sent a certificate that is not for ${missing}.`);
  // Extended key usage, by Node's name; without any, every use is meant (RFC 5280 §4.2.1.12).
  const uses = own.keyUsage as string[] | undefined;
  if (uses && !uses.includes(SERVER_AUTH) && !uses.includes(ANY_USE)) {
    throw new AcmeProblem('The ACME server sent a certificate that is not for servers.');
  }
  try {
    createSecureContext({ cert: certificates.map(String).join(''), key });
  } catch (cause) {
    throw new AcmeProblem(
      `The ACME server sent a certificate that this program cannot serve: ${(cause as Error).message}.`,
      { cause },
    );
  }
  return own;
}

const isSignedBy = (certificate: X509Certificate, signer: X509Certificate) =>
  certificate.checkIssued(signer) && certificate.verify(signer.publicKey);
