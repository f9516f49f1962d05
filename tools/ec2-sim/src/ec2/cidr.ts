import { isIPv4 } from 'node:net';
import { ApiError } from '../errors.ts';

/** First address and prefix length of an IPv4 block. Throws EC2's refusal. */
export function parseCidr(cidr: string | undefined): { base: number; bits: number } {
  const [ip = '', length = ''] = (cidr ?? '').split('/');
  const bits = Number(length);
  if (!isIPv4(ip) || !/^\d{1,2}$/.test(length) || bits > 32) {
    throw new ApiError(
      'InvalidParameterValue',
      `Value (${cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
    );
  }
  const address = ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - bits);
  return { base: Math.floor(address / size) * size, bits };
}

export function contains(outer: string, inner: string): boolean {
  const a = parseCidr(outer);
  const b = parseCidr(inner);
  return b.bits >= a.bits && Math.floor(b.base / 2 ** (32 - a.bits)) * 2 ** (32 - a.bits) === a.base;
}

export function overlaps(one: string, other: string): boolean {
  return contains(one, other) || contains(other, one);
}
