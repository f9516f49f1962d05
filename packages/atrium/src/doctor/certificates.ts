import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedConfig } from '@atrium/hub/config';
import type { CertificateFacts } from '@atrium/proxy';
import type { Places } from '../files/data-dir.ts';
import { certificateText } from '../up/words.ts';
import { type Check, fail, ok, warn } from './check.ts';

const RENEW = 'Look at what renews it (certbot renew --dry-run). Once the files are new they are served at once.';

/** The certificates that the configuration names: whether they can be served, for whom, and until when. */
export async function checkTls({ dataDir }: Places, { config }: LoadedConfig, now = Date.now()): Promise<Check[]> {
  const { tls, publicUrl, subdomainHost } = config;
  if (tls === undefined) return [];
  const own = { cert: join(dataDir, 'tls/self-signed.pem'), key: join(dataDir, 'tls/self-signed-key.pem') };
  if (tls === 'self-signed' && !existsSync(own.cert)) {
    return [ok('encryption', 'A self-signed certificate; atrium up makes it.')];
  }
  const fetched = join(dataDir, 'tls/fetched.pem');
  const acme = typeof tls === 'object' && 'acme' in tls;
  if (acme && !existsSync(fetched)) return [ok('encryption', 'The certificate is fetched once atrium up runs.')];
  const { checkCertificates } = await import('@atrium/proxy');
  const { problems, warnings, certificates } = await checkCertificates(
    tls === 'self-signed' ? [own] : acme ? [{ cert: fetched, key: fetched }] : [tls].flat(),
    now,
  );
  const wanted = [publicUrl, subdomainHost].flatMap((url) => (url === undefined ? [] : [new URL(url).hostname]));
  // Everybody's server has a host below it.
  if (subdomainHost !== undefined) wanted.push(`*.${new URL(subdomainHost).hostname}`);
  const nobodys = wanted.filter((host) => !certificates.some((each) => covers(each, host)));
  return [
    ...problems.map((problem) => fail('encryption', problem, RENEW)),
    ...certificates.map((each) => ok('encryption', `Certificate ${certificateText(each, now)}`)),
    ...warnings.map((warning) => warn('encryption', warning, '')),
    ...(problems.length > 0 ? [] : nobodys).map((host) =>
      warn('encryption', `No certificate is for ${host}.`, 'Browsers refuse the hub there: get one for this name.'),
    ),
  ];
}

function covers({ names }: CertificateFacts, host: string): boolean {
  const parent = `*${host.slice(host.indexOf('.'))}`;
  return names.includes(host) || names.includes(parent);
}
