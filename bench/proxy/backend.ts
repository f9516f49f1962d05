// The server behind every proxy, in a process of its own: small and large answers, uploads, and a websocket echo.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { BIG, echoOf, FRAME_FROM_CLIENT } from './frames.ts';

const SMALL = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: bench\r\nContent-Length: 17\r\n\r\n{"hello":"there"}',
);
const LARGE_HEAD = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nServer: bench\r\nContent-Length: ${BIG}\r\n\r\n`,
);
const LARGE = Buffer.concat([LARGE_HEAD, Buffer.alloc(BIG, 'x')]);
/** With what belongs to the one key that `load.ts` sends: haproxy takes no other answer for a websocket's. */
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

const open = new Set<Socket>();

function serve(socket: Socket): void {
  open.add(socket);
  socket.on('close', () => open.delete(socket));
  let head: Buffer = Buffer.alloc(0);
  /** Of an upload, still to come. */
  let left = 0;
  socket.on('error', () => undefined);
  const onData = (chunk: Buffer): void => {
    if (left > 0) {
      const end = Math.min(left, chunk.length);
      left -= end;
      if (left === 0) socket.write(SMALL);
      chunk = chunk.subarray(end);
      if (chunk.length === 0) return;
    }
    head = head.length > 0 ? Buffer.concat([head, chunk]) : chunk;
    while (true) {
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const text = head.toString('latin1', 0, end + 2);
      head = head.subarray(end + 4);
      if (/^Upgrade: websocket\r$/im.test(text)) {
        socket.off('data', onData);
        socket.write(SWITCH);
        return echo(socket, head);
      }
      const length = Number(/^Content-Length: (\d+)\r$/im.exec(text)?.[1] ?? 0);
      const taken = Math.min(length, head.length);
      left = length - taken;
      head = head.subarray(taken);
      if (left === 0) socket.write(text.includes('/large ') ? LARGE : SMALL);
    }
  };
  socket.on('data', onData);
}

/** Each of the client's messages comes back unmasked, as a server sends it. */
function echo(socket: Socket, early: Buffer): void {
  let held = early;
  const onData = (chunk: Buffer): void => {
    let bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    while (bytes.length >= FRAME_FROM_CLIENT) {
      socket.write(echoOf(bytes));
      bytes = bytes.subarray(FRAME_FROM_CLIENT);
    }
    held = bytes;
  };
  socket.on('data', onData);
}

const server = createServer({ noDelay: true }, serve);
server.listen({ port: 0, host: '127.0.0.1', backlog: 8192 }, () => {
  process.send?.((server.address() as AddressInfo).port);
});
// Whoever keeps idle connections here has to notice.
process.on('message', () => {
  for (const socket of open) socket.destroy();
});
process.once('disconnect', () => process.exit());
