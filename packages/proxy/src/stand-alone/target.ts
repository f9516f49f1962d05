import type { ConnectionOptions, SecureContextOptions } from 'node:tls';
import type { TargetPlace, UpstreamAddress } from '../route-table.ts';

/** A target that nothing can be sent to. The message is for whoever named it. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

/** How the proxy speaks TLS with its targets. */
export interface TargetTls {
  /** The proxy's own certificate and key, and who signs those of the targets. */
  context: SecureContextOptions;
  /** Takes any certificate. */
  insecure: boolean;
}

const UNIX = new Set(['http+unix:', 'unix+http:']);
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Where a route leads, from a URL: `http://host:port/path`, `https://…`, or a Unix socket by its escaped path,
 * `http+unix://%2Frun%2Fada.sock/path`.
 */
export function parseTarget(text: string, tls: TargetTls): { address: UpstreamAddress; place: TargetPlace } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url)
    throw new TargetError(`The target ${JSON.stringify(text)} is not a URL. It must look like http://host:port.`);
  if (url.username !== '' || url.password !== '') {
    throw new TargetError(
      'A target must not hold a user name or password: they would be shown to everybody who lists routes.',
    );
  }
  const place = { path: url.pathname.replace(/\/+$/, ''), query: url.search };
  if (UNIX.has(url.protocol)) {
    const path = decoded(url.host);
    if (!path.startsWith('/')) {
      throw new TargetError(
        `The target ${text} names no socket: its path is written with escapes, http+unix://%2Frun%2Fada.sock`,
      );
    }
    return { address: { kind: 'unix', path }, place: { ...place, authority: 'localhost', secure: false } };
  }
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) {
    throw new TargetError(`The target ${text} is of a kind that is not spoken here: http, https and http+unix are.`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = url.protocol === 'https:';
  const address: UpstreamAddress = { kind: 'tcp', host, port: url.port === '' ? defaultPort : Number(url.port) };
  if (secure) address.tls = { id: 'tls', options: tlsOptions(host, tls) };
  return { address, place: { ...place, authority: url.host, secure } };
}

function tlsOptions(host: string, { context, insecure }: TargetTls): ConnectionOptions {
  // An address is no name to ask for (RFC 6066 §3).
  const isName = !/^[0-9.]+$|:/.test(host);
  return { ...context, rejectUnauthorized: !insecure, ...(isName ? { servername: host } : {}) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
