import type { Duplex } from 'node:stream';

const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
/** Larger frames end the connection: nothing here needs them. */
const MAX_FRAME = 16 * 1024 * 1024;

/** Sends back every frame that comes, answers pings, closes when asked to (RFC 6455 §5). */
export function echoFrames(socket: Duplex, head: Buffer): void {
  let pending = head;
  const take = (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let frame = readFrame(pending); frame; frame = readFrame(pending)) {
      pending = pending.subarray(frame.size);
      const opcode = frame.first & 0x0f;
      if (opcode === CLOSE) {
        socket.end(writeFrame(0x80 | CLOSE, frame.payload));
        return;
      }
      if (opcode === PING) socket.write(writeFrame(0x80 | PONG, frame.payload));
      else if (opcode !== PONG) socket.write(writeFrame(frame.first, frame.payload));
    }
    if (pending.length > MAX_FRAME) socket.destroy();
  };
  socket.on('error', () => socket.destroy());
  socket.on('data', take);
  take(Buffer.alloc(0));
}

/** Undefined while a frame is incomplete. */
function readFrame(bytes: Buffer): { first: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
  const masked = (bytes[1]! & 0x80) !== 0;
  const start = 2 + extra + (masked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const length = extra === 8 ? Number(bytes.readBigUInt64BE(2)) : extra === 2 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + length) return undefined;
  const payload = Buffer.from(bytes.subarray(start, start + length));
  if (masked) {
    const mask = bytes.subarray(start - 4, start);
    for (let at = 0; at < length; at += 1) payload[at]! ^= mask[at % 4]!;
  }
  return { first: bytes[0]!, payload, size: start + length };
}

function writeFrame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const extra = length > 0xffff ? 8 : length > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + extra);
  head[0] = first;
  head[1] = extra === 8 ? 127 : extra === 2 ? 126 : length;
  if (extra === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (extra === 2) head.writeUInt16BE(length, 2);
  return Buffer.concat([head, payload]);
}
