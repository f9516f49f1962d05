/** Bytes of a large body. */
export const BIG = 1_000_000;
/** Bytes of one websocket message. */
export const MESSAGE = 100;
/** With its head and its mask, as a browser sends it. */
export const FRAME_FROM_CLIENT = MESSAGE + 6;
/** As a server sends it. */
export const FRAME_FROM_SERVER = MESSAGE + 2;

const MASK = [0x37, 0xfa, 0x21, 0x3d];

/** A masked binary message that begins with `value`. */
export function frameOf(value: number): Buffer {
  const frame = Buffer.alloc(FRAME_FROM_CLIENT, 'm');
  frame[0] = 0x82;
  frame[1] = 0x80 | MESSAGE;
  frame.set(MASK, 2);
  frame.writeDoubleLE(value, 6);
  for (let at = 0; at < MESSAGE; at++) frame[at + 6]! ^= MASK[at & 3]!;
  return frame;
}

/** The server's answer to the frame at the beginning of `bytes`. */
export function echoOf(bytes: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_FROM_SERVER);
  frame[0] = bytes[0]!;
  frame[1] = MESSAGE;
  for (let at = 0; at < MESSAGE; at++) frame[at + 2] = bytes[at + 6]! ^ bytes[2 + (at & 3)]!;
  return frame;
}

/** What `frameOf` was given; throws when the frame at the beginning of `bytes` is none of ours. */
export function sentIn(bytes: Buffer): number {
  if (bytes[0] !== 0x82 || bytes[1] !== MESSAGE || bytes[FRAME_FROM_SERVER - 1] !== 0x6d) {
    throw new Error('a websocket message came back changed');
  }
  return bytes.readDoubleLE(2);
}
