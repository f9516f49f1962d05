/** What the tiny server answers to any request: proof of who answered. */
export interface TinyPage {
  user: string;
  /** `<hub id>/<server id>.<generation>` */
  launch: string;
  pid: number;
}

/** A file in the home folder that tells of a server that ran twice at a time. */
export const DOUBLES_FILE = 'doubles';

/**
 * The server of the crash tests: starts at once, says who it is, echoes short websocket messages. All starts of one
 * server share an abstract socket name, which the kernel gives to one living process only: who does not get it says so.
 */
const TINY_SERVER = String.raw`
const { createHash } = require('node:crypto');
const { appendFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { JUPYTERHUB_USER: user, ATRIUM_LAUNCH: launch, ATRIUM_SOCKET, HOME } = process.env;
require('node:net')
  .createServer()
  .on('error', (error) => appendFileSync(HOME + '/${DOUBLES_FILE}', launch + ' ' + error.code + '\n'))
  .listen('\0' + launch.slice(0, launch.lastIndexOf('.')));
const server = createServer((request, response) => response.end(JSON.stringify({ user, launch, pid: process.pid })));
server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ' +
      accept + '\r\n\r\n',
  );
  let rest = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 6 && rest.length >= 6 + (rest[1] & 127)) {
      const size = rest[1] & 127;
      const mask = rest.subarray(2, 6);
      const body = rest.subarray(6, 6 + size).map((byte, at) => byte ^ mask[at % 4]);
      socket.write(Buffer.concat([Buffer.from([rest[0], size]), body]));
      if ((rest[0] & 15) === 8) socket.end();
      rest = rest.subarray(6 + size);
    }
  });
});
server.listen(ATRIUM_SOCKET);
process.on('SIGTERM', () => process.exit(0));
`;

/** `atrium.config.ts` of an installation whose servers are tiny, kept apart as well as this machine can. */
export const TINY_CONFIG = `
import { dirname } from 'node:path';
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({
  port: 0,
  // The API answers soon, so that a stop often meets a server that still starts.
  start: { slow: 0.3 },
  idle: { stopAfter: 0 },
  spawner: processSpawner({
    command: [process.execPath, '-e', ${JSON.stringify(TINY_SERVER)}],
    readOnlyPaths: [dirname(dirname(process.execPath))],
  }),
});
`;
