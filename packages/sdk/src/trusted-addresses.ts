import { BlockList, isIP } from 'node:net';

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

/** Whether `peer`, an address as text, is in the list; anything that is no address is not. */
export function isTrusted(list: BlockList, peer: string): boolean {
  const version = isIP(peer);
  return version !== 0 && list.check(peer, version === 4 ? 'ipv4' : 'ipv6');
}
