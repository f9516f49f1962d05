import type { Secret } from '@atrium/sdk';

/** The directory of whoever names no other. */
export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';
/** A name that an authority gives certificates for: at least two labels, in lower case and ASCII. */
export const DOMAIN = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;
export const MAX_DOMAIN = 253;
/** Of one certificate. */
export const MAX_DOMAINS = 100;
export const ZONE_ID = /^Z[A-Z0-9]+$/;
/** Until a record is seen by everybody, seconds: by a command's own promise; at most, until Route 53 says so. */
export const DNS_WAIT_S = { exec: 30, route53: 300 } as const;

/** Which certificate is to be there, and who gives it. */
export interface AcmeSettings {
  /** Whom the authority writes to; its terms of service are agreed to. */
  email: string;
  /** In lower case; all in one certificate. */
  domains: readonly string[];
  /** Address of the authority. */
  directory: string;
  /** PEM file of whoever signed the directory's own certificate, beside those that the system trusts. */
  ca?: string | undefined;
  /** How the authority knows the account from elsewhere. `hmacKey`: base64url. */
  eab?: { kid: string; hmacKey: Secret } | undefined;
  /** Names are proved by DNS. `wait` in seconds: until everybody sees a record, or how long that may take. */
  dns?:
    | { exec: readonly [string, ...string[]]; wait: number }
    | { route53: { zoneId?: string | undefined; region?: string | undefined }; wait: number }
    | undefined;
}

/** What things are called where somebody sets them: for sentences that say what to do. */
export interface Words {
  /** What fetches: `hub`. */
  program: string;
  ca: string;
  eab: string;
  dns: string;
  dnsWait: string;
  zone: string;
}

export type ChallengeKind = 'dns-01' | 'http-01' | 'tls-alpn-01';

/** By which way names are proved. Which ports of the proxy are open to the world only the operator knows. */
export function challengeKind({ dns }: Pick<AcmeSettings, 'dns'>, redirectPort: number | undefined): ChallengeKind {
  if (dns) return 'dns-01';
  return redirectPort === undefined ? 'tls-alpn-01' : 'http-01';
}
