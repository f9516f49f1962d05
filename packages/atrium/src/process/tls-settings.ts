import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { HubConfig } from '@atrium/hub/config';
import type { PublicSettings } from './messages.ts';

type TlsConfig = Pick<HubConfig, 'tls' | 'hsts' | 'http2' | 'host' | 'publicUrl' | 'subdomainHost'>;

/** A name that may stand in a certificate as it is. */
const NAME = /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i;

/**
 * What the proxy is told of TLS. Files are looked at here, as the account that the proxy runs as: before anything else
 * takes its time.
 */
export async function tlsSettings(
  config: TlsConfig,
  dataDir: string,
  now: number,
): Promise<Pick<PublicSettings, 'tls' | 'tlsProblems' | 'tlsWarnings'>> {
  const { tls, hsts: hstsSeconds, http2 } = config;
  if (tls === undefined) return { tlsProblems: [], tlsWarnings: [] };
  if (tls === 'self-signed') {
    const selfSigned = { dir: join(dataDir, 'tls'), names: namesOf(config), moreNames: ownNames() };
    return { tls: { selfSigned, http2 }, tlsProblems: [], tlsWarnings: [] };
  }
  if ('acme' in tls) {
    const dir = join(dataDir, 'tls');
    const fallback = { dir, names: tls.acme.domains, moreNames: [...namesOf(config), ...ownNames()] };
    return {
      tls: { fetched: { file: join(dir, 'fetched.pem'), fallback }, hstsSeconds, http2 },
      tlsProblems: [],
      tlsWarnings: [],
    };
  }
  const certificates = [tls].flat();
  // Only who encrypts has to load it.
  const { checkCertificates } = await import('@atrium/proxy');
  const { problems, warnings } = await checkCertificates(certificates, now);
  return { tls: { certificates, hstsSeconds, http2 }, tlsProblems: problems, tlsWarnings: warnings };
}

/** Under which names browsers are told to come. */
export function namesOf({ host, publicUrl, subdomainHost }: TlsConfig): string[] {
  const names = [publicUrl, subdomainHost].flatMap((url) => (url === undefined ? [] : [hostOf(url)]));
  if (subdomainHost !== undefined) names.push(`*.${hostOf(subdomainHost)}`);
  if (!/^(0\.0\.0\.0|::)$/.test(host)) names.push(host);
  return [...new Set([...names, 'localhost', '127.0.0.1'])].filter(isName);
}

/** Everything else that this machine is called. */
function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  // Link-local ones need a zone, which no certificate can name.
  const usable = addresses.map(({ address }) => address).filter((address) => !/^fe80:|%/i.test(address));
  return [...new Set([hostname(), ...usable])].filter(isName);
}

const hostOf = (url: string) => new URL(url).hostname.replace(/^\[|\]$/g, '');
const isName = (name: string) => isIP(name) !== 0 || NAME.test(name);
