import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { FetchingOptions } from '../stand-alone/acme/fetching.ts';
import type { TargetTls } from '../stand-alone/target.ts';
import { fileStampsOf, type ListeningTls } from '../stand-alone/tls-files.ts';
import { type Given, UsageError } from './usage.ts';

/** Names of one hop's options, up to the dash before `ssl`. */
type Hop = '' | 'api-';

const VERSIONS = { TLSv1_2: 'TLSv1.2', TLSv1_3: 'TLSv1.3' } as const;

/** TLS of a side that listens; undefined when it speaks without. @param passphrase of the key */
export function listeningTls(given: Given, hop: Hop, passphrase: string | undefined): ListeningTls | undefined {
  const names = [`${hop}ssl-key`, `${hop}ssl-cert`, `${hop}ssl-ca`] as const;
  const [key, cert, ca] = names.map((name) => given.filled(name));
  const requestCert = given.flag(`${hop}ssl-request-cert`);
  if (!key && !cert) {
    if (ca || requestCert) {
      const which = ca ? 'ca' : 'request-cert';
      throw new UsageError(`--${hop}ssl-${which} says nothing without --${hop}ssl-key and --${hop}ssl-cert`);
    }
    return undefined;
  }
  for (const name of names) given.file(name);
  if (!key || !cert) {
    throw new UsageError(
      `--${hop}ssl-key and --${hop}ssl-cert come together; --${hop}ssl-${key ? 'cert' : 'key'} is missing`,
    );
  }
  const read = () => {
    const [key, cert, ca] = names.map((name) => given.file(name));
    const context = checked(`--${hop}ssl-…`, {
      ...common(given),
      ...{ key, cert },
      ...(ca && { ca }),
      ...(passphrase && { passphrase }),
    });
    return { ...context, requestCert, rejectUnauthorized: true };
  };
  const files = [key, cert, ...(ca ? [ca] : [])];
  const stamps = fileStampsOf(files);
  return { options: read(), files, stamps, read };
}

/** TLS of the public side beside a certificate that is fetched. */
export function fetchedTls(given: Given): FetchingOptions['tls'] {
  const ca = given.file('ssl-ca');
  const requestCert = given.flag('ssl-request-cert');
  const context = checked('--ssl-…', { ...common(given), ...(ca && { ca }) });
  return { context, requestCert, rejectUnauthorized: requestCert };
}

/** TLS towards targets, for those whose URL says https. */
export function targetTls(given: Given): TargetTls {
  const key = given.file('client-ssl-key');
  const cert = given.file('client-ssl-cert');
  const ca = given.file('client-ssl-ca');
  if (Boolean(key) !== Boolean(cert)) {
    throw new UsageError(
      `--client-ssl-key and --client-ssl-cert come together; --client-ssl-${key ? 'cert' : 'key'} is missing`,
    );
  }
  const own = { ...(key && { key }), ...(cert && { cert }), ...(ca && { ca }) };
  return { context: checked('--client-ssl-…', { ...common(given), ...own }), insecure: given.flag('insecure') };
}

/** What holds on every hop. */
function common(given: Given): SecureContextOptions {
  const protocol = given.text('ssl-protocol');
  const ciphers = given.filled('ssl-ciphers');
  const dhparam = given.file('ssl-dhparam');
  return {
    minVersion: 'TLSv1.2',
    ...(protocol !== undefined && versionsOf(protocol)),
    ...(ciphers !== undefined && { ciphers, honorCipherOrder: true }),
    ...(dhparam && { dhparam }),
  };
}

function versionsOf(protocol: string): SecureContextOptions {
  if (protocol === 'TLS' || protocol === 'SSLv23') return {};
  const version = Object.hasOwn(VERSIONS, protocol) ? VERSIONS[protocol as keyof typeof VERSIONS] : undefined;
  if (!version) {
    throw new UsageError(`--ssl-protocol ${protocol} is not offered: TLSv1_2 and TLSv1_3 are. Older ones are broken.`);
  }
  return { minVersion: version, maxVersion: version };
}

function checked(which: string, options: SecureContextOptions): SecureContextOptions {
  try {
    createSecureContext(options);
    return options;
  } catch (err) {
    throw new UsageError(`${which}: these files or settings cannot be used: ${(err as Error).message}`);
  }
}
