import type { ClientSide } from './context.ts';
import { framingLines, type RequestHead } from './head.ts';

type Who = Pick<ClientSide, 'peer' | 'trusted' | 'secure'>;

/** A peer's address as it is written in a field: IPv4 without its IPv6 wrapping. */
export function peerAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/**
 * The X-Forwarded lines of a request. A client's own are replaced: anybody can write them. A trusted front server's are
 * kept, `-For` with the peer appended.
 */
export function forwardedLines(head: RequestHead, host: string, { peer, trusted, secure }: Who): string {
  let chain = peer;
  let proto = secure ? 'https' : 'http';
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

/** A head's lines from its version on, as a server gets them. @param host what it is to see as Host; else as `forwardedLines` */
export function passedOnLines(head: RequestHead, host: string, who: Who): string {
  return ` HTTP/1.1\r\nHost: ${host}\r\n${head.fields.kept}${framingLines(head)}${forwardedLines(head, host, who)}`;
}

/** The port that a `Host` names; empty for the standard one. */
export function portOf(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(colon + 1) : '';
}
