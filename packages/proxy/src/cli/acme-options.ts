import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type AcmeSettings, DNS_WAIT_S, DOMAIN, LETS_ENCRYPT, MAX_DOMAIN, MAX_DOMAINS, ZONE_ID } from '@atrium/acme';
import { Secret } from '@atrium/sdk';
import type { FetchingOptions } from '../stand-alone/acme/fetching.ts';
import type { Where } from '../stand-alone/open.ts';
import type { OptionName } from './options.ts';
import { acmeFolderOf } from './state-places.ts';
import { fetchedTls } from './tls-options.ts';
import { type Given, UsageError } from './usage.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const ALL = [
  ...['acme-domain', 'acme-email', 'acme-directory', 'acme-ca', 'acme-eab-kid', 'acme-state'],
  ...['acme-dns', 'acme-dns-zone', 'acme-dns-region', 'acme-dns-wait'],
] as OptionName[];
const EMAIL = /^[^\s@,?&]+@[^\s@,?&]+\.[^\s@,?&]+$/;
const EXEC = 'exec:';
const EAB_KEY = 'CONFIGPROXY_ACME_EAB_KEY';

/** The certificate that is to be fetched; undefined when none is. */
export function acmeOptions(given: Given, env: Environment, listen: Where): FetchingOptions | undefined {
  const first = ALL.find((name) => given.has(name));
  if (first === undefined) return undefined;
  const email = given.filled('acme-email');
  if (!given.has('acme-domain')) {
    throw new UsageError(
      first === 'acme-email'
        ? '--acme-email and --acme-domain come together; --acme-domain is missing'
        : `--${first} says nothing without --acme-domain and --acme-email`,
    );
  }
  if (email === undefined) {
    throw new UsageError(
      '--acme-email is missing: say to whom the authority may write when something is wrong. Giving it agrees to its terms of service.',
    );
  }
  if (!EMAIL.test(email)) throw new UsageError(`--acme-email takes a mail address, not ${JSON.stringify(email)}`);
  const file = (['ssl-key', 'ssl-cert'] as const).find((name) => given.has(name));
  if (file) {
    throw new UsageError(
      `--${file} and --acme-domain exclude each other: a certificate is read from a file, or fetched`,
    );
  }
  if ('path' in listen) throw new UsageError('--acme-domain has no port to serve the certificate at with --socket');
  const domains = domainsOf(given.list('acme-domain'));
  const dns = dnsOf(given);
  const wildcard = domains.find((name) => name.startsWith('*.'));
  if (wildcard !== undefined && !dns)
    throw new UsageError(`--acme-domain ${wildcard} can be proved by DNS only: give --acme-dns, or name each host`);
  return {
    settings: { email, domains, dns, directory: directoryOf(given), ca: caOf(given), eab: eabOf(given, env) },
    dir: resolve(acmeFolderOf(given, env, listen)),
    tls: fetchedTls(given),
  };
}

function domainsOf(list: readonly string[]): string[] {
  const domains = [...new Set(list.map((name) => name.toLowerCase()))];
  for (const name of domains) {
    if (isIP(name) !== 0 || name.length > MAX_DOMAIN || !DOMAIN.test(name)) {
      throw new UsageError(
        `--acme-domain takes a host name, like hub.example.org or *.example.org, not ${JSON.stringify(name)}`,
      );
    }
  }
  if (domains.length > MAX_DOMAINS) throw new UsageError(`--acme-domain: an authority takes ${MAX_DOMAINS} at most`);
  return domains;
}

function directoryOf(given: Given): string {
  const text = given.text('acme-directory') ?? LETS_ENCRYPT;
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:')
    throw new UsageError(`--acme-directory takes the https address of an ACME directory, not ${JSON.stringify(text)}`);
  return text;
}

function caOf(given: Given): string | undefined {
  const text = given.file('acme-ca');
  if (text !== undefined && !text.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError('--acme-ca: the file has no certificate in it (PEM)');
  const path = given.text('acme-ca');
  return path === undefined ? undefined : resolve(path);
}

function eabOf(given: Given, env: Environment): AcmeSettings['eab'] {
  const kid = given.filled('acme-eab-kid');
  const hmacKey = env[EAB_KEY] || undefined;
  if (kid === undefined) return undefined;
  if (hmacKey === undefined) throw new UsageError(`--acme-eab-kid needs the HMAC key that came with it, in ${EAB_KEY}`);
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(hmacKey)) throw new UsageError(`${EAB_KEY} is no key in base64url`);
  return { kid, hmacKey: new Secret(hmacKey) };
}

function dnsOf(given: Given): AcmeSettings['dns'] {
  const how = given.text('acme-dns');
  const detail = (['acme-dns-zone', 'acme-dns-region', 'acme-dns-wait'] as const).find((name) => given.has(name));
  if (how === undefined) {
    if (detail) throw new UsageError(`--${detail} says nothing without --acme-dns`);
    return undefined;
  }
  const wait = given.seconds('acme-dns-wait');
  if (how === 'route53') {
    const zoneId = given.text('acme-dns-zone');
    if (zoneId !== undefined && !ZONE_ID.test(zoneId))
      throw new UsageError(
        `--acme-dns-zone takes the id of a hosted zone, like Z0123456789ABCDEFGHIJ, not ${JSON.stringify(zoneId)}`,
      );
    return { route53: { zoneId, region: given.filled('acme-dns-region') }, wait: wait ?? DNS_WAIT_S.route53 };
  }
  // No shell reads it: what the authority sends is among the arguments.
  const [command, ...args] = how.startsWith(EXEC) ? how.slice(EXEC.length).split(/\s+/).filter(Boolean) : [];
  if (command === undefined)
    throw new UsageError(`--acme-dns takes route53 or exec:<command>, not ${JSON.stringify(how)}`);
  if (detail && detail !== 'acme-dns-wait') throw new UsageError(`--${detail} says nothing without --acme-dns route53`);
  return { exec: [command, ...args], wait: wait ?? DNS_WAIT_S.exec };
}
