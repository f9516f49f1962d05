/*
 * Reads ASN.1 in BER, as much as a signed message needs: definite and indefinite lengths (AWS sends both), strings in
 * parts. Input is hostile: everything is bounded, and anything odd is a BerError.
 */

/** The bytes are not what they should be. */
export class BerError extends Error {
  override readonly name = 'BerError';
}

export interface BerNode {
  /** First octet: class, constructed bit and number. */
  tag: number;
  /** Octets of the value, without end-of-contents octets. */
  value: Buffer;
  /** The parts of a constructed value. */
  children: readonly BerNode[];
  /** All its octets, tag and length included. */
  raw: Buffer;
}

export const TAG = {
  integer: 0x02,
  octets: 0x04,
  octetsInParts: 0x24,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context1: 0xa1,
} as const;

const MOST_DEPTH = 24;
const MOST_NODES = 4000;

/** The one value that `bytes` hold. @throws BerError */
export function parseBer(bytes: Buffer): BerNode {
  const budget = { nodes: MOST_NODES };
  const { node, end } = read(bytes, 0, bytes.length, 0, budget);
  if (end !== bytes.length) throw new BerError('octets after the end');
  return node;
}

function read(bytes: Buffer, start: number, limit: number, depth: number, budget: { nodes: number }) {
  budget.nodes -= 1;
  if (depth > MOST_DEPTH || budget.nodes < 0) throw new BerError('too deep or too many parts');
  if (start + 2 > limit) throw new BerError('cut off');
  const tag = bytes[start]!;
  if ((tag & 0x1f) === 0x1f) throw new BerError('a tag of more than one octet');
  const constructed = (tag & 0x20) !== 0;
  let at = start + 1;
  const first = bytes[at]!;
  at += 1;
  if (first === 0x80) {
    if (!constructed) throw new BerError('an indefinite length of a plain value');
    const children: BerNode[] = [];
    const from = at;
    for (;;) {
      if (at + 2 > limit) throw new BerError('cut off');
      if (bytes[at] === 0 && bytes[at + 1] === 0) break;
      const part = read(bytes, at, limit, depth + 1, budget);
      children.push(part.node);
      at = part.end;
    }
    const end = at + 2;
    return { node: { tag, value: bytes.subarray(from, at), children, raw: bytes.subarray(start, end) }, end };
  }
  let length = first;
  if (first > 0x80) {
    const octets = first - 0x80;
    if (octets > 4 || at + octets > limit) throw new BerError('a length that cannot be');
    length = bytes.readUIntBE(at, octets);
    at += octets;
  }
  const end = at + length;
  if (end > limit) throw new BerError('cut off');
  const children: BerNode[] = [];
  if (constructed) {
    let inner = at;
    while (inner < end) {
      const part = read(bytes, inner, end, depth + 1, budget);
      children.push(part.node);
      inner = part.end;
    }
  }
  return { node: { tag, value: bytes.subarray(at, end), children, raw: bytes.subarray(start, end) }, end };
}

/** The octets of an octet string, whole or in parts. @throws BerError */
export function octetsOf(node: BerNode | undefined): Buffer {
  if (node?.tag === TAG.octets) return node.value;
  if (node?.tag === TAG.octetsInParts) return Buffer.concat(node.children.map(octetsOf));
  throw new BerError('no octet string');
}

/** The node's object identifier in hex. @throws BerError */
export function oidOf(node: BerNode | undefined): string {
  if (node?.tag !== TAG.oid) throw new BerError('no object identifier');
  return node.value.toString('hex');
}

/** The node if it has this tag. @throws BerError */
export function expectTag(node: BerNode | undefined, tag: number): BerNode {
  if (node?.tag !== tag) throw new BerError(`not what is expected here: ${node?.tag ?? 'nothing'}`);
  return node;
}

/** A value in DER with a definite length, from octets that are one already. */
export function der(tag: number, value: Buffer): Buffer {
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value]);
  const octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  const head = Buffer.alloc(2 + octets);
  head[0] = tag;
  head[1] = 0x80 + octets;
  head.writeUIntBE(length, 2, octets);
  return Buffer.concat([head, value]);
}
