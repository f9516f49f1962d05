/** First address of a block as a number, and its prefix length. */
function parse(cidr: string): { first: number; prefix: number } {
  const [address = '', prefix = ''] = cidr.split('/');
  const first = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { first, prefix: Number(prefix) };
}

function written(first: number, prefix: number): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${octets.join('.')}/${prefix}`;
}

/**
 * Cuts a network into eighths: the first holds the manager's subnet (a /24 of it, or all of it when smaller), the
 * others are for people's machines, one a zone.
 */
export function subnetCidrs(network: string, zones: number): { manager: string; workers: string[] } {
  const { first, prefix } = parse(network);
  const size = 2 ** (32 - prefix - 3);
  return {
    manager: written(first, Math.max(prefix + 3, 24)),
    workers: Array.from({ length: zones }, (_, at) => written(first + (at + 1) * size, prefix + 3)),
  };
}
