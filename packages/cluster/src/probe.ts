import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Probe, ProbeResult } from './engine/part.ts';

const TIMEOUT_MS = 8_000;
const DAY_MS = 86_400_000;

/**
 * Asks the hub for its health. The certificate is looked at, not believed: a new manager has one of its own making, and
 * nothing is sent to it.
 */
export const httpsProbe: Probe = ({ address, serverName }) =>
  new Promise<ProbeResult>((resolve) => {
    const url = new URL('https://host/hub/health');
    url.host = address;
    const name = serverName ?? '';
    const asked = request(
      url,
      {
        rejectUnauthorized: false,
        timeout: TIMEOUT_MS,
        agent: false,
        ...(name ? { servername: name, headers: { host: name } } : {}),
      },
      (answer) => {
        const peer = (answer.socket as TLSSocket).getPeerCertificate();
        answer.resume();
        if (answer.statusCode !== 200) return resolve({ ok: false, reason: `it answers ${answer.statusCode}` });
        const certificate = new X509Certificate(peer.raw);
        resolve({
          ok: true,
          fingerprint: pinOf(certificate),
          daysLeft: Math.floor((Date.parse(certificate.validTo) - Date.now()) / DAY_MS),
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', (error: NodeJS.ErrnoException) => resolve({ ok: false, reason: error.code ?? error.message }));
    asked.end();
  });

/** `sha256/<base64>` of a certificate's public key (RFC 7469): how machines know the hub. */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(key).digest('base64')}`;
}
