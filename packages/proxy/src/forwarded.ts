import type { RequestHead } from './head.ts';

/** A peer's address as it is written in a field: IPv4 without its IPv6 wrapping. */
export function peerAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/**
 * The X-Forwarded lines of a request. A client's own are replaced: anybody can write them. A trusted front server's are
 * kept, `-For` with the peer appended.
 */
export function forwardedLines(head: RequestHead, host: string, peer: string, trusted: boolean): string {
  let chain = peer;
  let proto = 'http';
  let seenHost = host;
  let port = '';
  if (trusted) {
    const { forwardedFor, forwardedProto, forwardedHost, forwardedPort } = head.fields;
    if (forwardedFor !== '') chain = `${forwardedFor}, ${peer}`;
    if (forwardedProto !== '') proto = forwardedProto;
    if (forwardedHost !== '') seenHost = forwardedHost;
    port = forwardedPort;
  }
  if (port === '') port = portOf(seenHost) || (proto === 'https' ? '443' : '80');
  return `X-Forwarded-For: ${chain}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${seenHost}\r\nX-Forwarded-Port: ${port}\r\n`;
}

function portOf(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(colon + 1) : '';
}
