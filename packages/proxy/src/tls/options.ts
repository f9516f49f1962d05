import type { SecureContextOptions } from 'node:tls';
import type { FetchedOptions } from './fetched.ts';
import type { CertificateFiles } from './pair.ts';
import type { SelfSignedOptions } from './self-signed.ts';

/** How the public listener does TLS. */
export interface TlsOptions {
  /** Served by the name that a client asks for (SNI); the first one where no other fits. */
  certificates?: readonly CertificateFiles[];
  /** Instead of `certificates`: one that is made here, and made anew before it ends. */
  selfSigned?: SelfSignedOptions;
  /** Instead of both: one that is fetched while the proxy runs. */
  fetched?: FetchedOptions;
  /**
   * Seconds for which browsers are told to come by https only (Strict-Transport-Security); 0 for not at all, the default.
   * Never said with a certificate that nobody vouches for, nor on a port of its own (the `Host` names one): a browser
   * would take it for everything on that host.
   */
  hstsSeconds?: number;
  /** Beyond the defaults (TLS 1.2 and 1.3, suites with forward secrecy): whatever Node takes, but certificates and keys. */
  context?: Omit<SecureContextOptions, 'cert' | 'key' | 'passphrase' | 'pfx'>;
  /** Ask clients for a certificate. */
  requestCert?: boolean;
  /** Refuse clients without one that `context.ca` signed. */
  rejectUnauthorized?: boolean;
  /** Offer HTTP/2 to those who know it. Default: HTTP/1.1 alone. */
  http2?: boolean;
  /** How long a handshake may take. Default 15 s. */
  handshakeTimeoutMs?: number;
  /** How often the files are looked at. Default 5 s. */
  watchEveryMs?: number;
}

/** A second port for browsers that come without TLS: it sends them to the first. */
export interface RedirectOptions {
  host: string;
  port: number;
  /** Where TLS is, as browsers see it. Default: the port of the listener. */
  toPort?: number;
  /** 308 keeps the method; configurable-http-proxy answers 301. Default 308. */
  status?: 301 | 308;
}
