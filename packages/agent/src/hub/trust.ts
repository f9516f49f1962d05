import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { AgentError } from '../errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * The PEM text that the hub's certificate must lead to. A file is read; for a pin the hub is asked once for its chain
 * and the certificate with that public key becomes the only anchor, so OpenSSL itself checks signatures, dates and names
 * of every later connection. Nothing but the handshake happens before that.
 */
export async function trustAnchor(hub: string, ca: string): Promise<string> {
  if (!ca.startsWith('sha256/')) {
    const pem = await readFile(ca, 'utf8').catch((cause) => {
      throw new AgentError(`The certificate file ${ca} could not be read.`, { cause });
    });
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new AgentError(`${ca} holds no certificate in PEM form.`);
    return pem;
  }
  const pin = Buffer.from(ca.slice('sha256/'.length), 'base64');
  const found = (await chainOf(hub)).find((one) => keyHash(one).equals(pin));
  if (!found) throw new AgentError('No certificate that the hub showed has the pinned key.');
  return found.toString();
}

/** SHA-256 of the public key's SubjectPublicKeyInfo (RFC 7469 §2.4). */
export function keyHash(certificate: X509Certificate): Buffer {
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function chainOf(hub: string): Promise<X509Certificate[]> {
  const { hostname, port } = new URL(hub);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    // Not verified: the chain is only looked at for the pinned key.
    const socket = connect(
      { host, port: Number(port || 443), rejectUnauthorized: false, ...(isIP(host) ? {} : { servername: host }) },
      () => {
        const chain: X509Certificate[] = [];
        // `true`: with the issuers that were sent. A self-signed one is its own issuer.
        let one = socket.getPeerCertificate(true);
        while (one?.raw && chain.length < 10) {
          chain.push(new X509Certificate(one.raw));
          if (one.issuerCertificate === one || !one.issuerCertificate) break;
          one = one.issuerCertificate;
        }
        socket.destroy();
        resolve(chain);
      },
    );
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no TLS handshake in time')));
    socket.on('error', reject);
  });
}
