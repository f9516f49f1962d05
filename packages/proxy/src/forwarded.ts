import { BlockList, isIP } from 'node:net';
import type { RequestHead } from './head.ts';

/**
 * The front servers whose `X-Forwarded-*` fields are believed.
 * @param entries addresses and CIDR ranges: `10.0.0.0/8`, `::1`. Throws for anything else.
 */
export function trustList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits, ...more] = entry.split('/');
    const version = isIP(address);
    const max = version === 4 ? 32 : 128;
    if (
      version === 0 ||
      more.length > 0 ||
      (bits !== undefined && !(/^[0-9]{1,3}$/.test(bits) && Number(bits) <= max))
    ) {
      throw new TypeError(`'${entry}' is neither an IP address nor a range like 10.0.0.0/8`);
    }
    list.addSubnet(address, bits === undefined ? max : Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** A peer's address as it is written in a field: IPv4 without its IPv6 wrapping. */
export function peerAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

export function isTrusted(list: BlockList, peer: string): boolean {
  const version = isIP(peer);
  return version !== 0 && list.check(peer, version === 4 ? 'ipv4' : 'ipv6');
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
