import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
  type Settings,
} from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { testAuthority } from '../tls/test-certificates.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** RFC 9113 §6. */
export const FRAMES = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, CONTINUATION: 9 } as const;
export const FLAGS = { END_STREAM: 1, END_HEADERS: 4 } as const;

export const NAME = 'hub.example.org';

/** A proxy's settings of TLS with HTTP/2, and clients that trust its certificate; files go to `dir`. */
export function testBrowsers(dir: string) {
  const authority = testAuthority(dir);
  const ca = readFileSync(authority.root);
  const secure = async (port: number, offered: string[]): Promise<TLSSocket> => {
    const socket = connectTls({ port, host: '127.0.0.1', ca, servername: NAME, ALPNProtocols: offered });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  };
  return {
    tls: { certificates: [authority.issue('hub', [NAME])], hstsSeconds: 600, http2: true },
    /** A connection of TLS, to write frames or what else by hand. */
    secure,
    /** Speaks HTTP/2 by hand. */
    async raw(port: number): Promise<TLSSocket> {
      const socket = await secure(port, ['h2']);
      socket.write(PREFACE, 'latin1');
      socket.write(frame(FRAMES.SETTINGS, 0, 0));
      socket.resume();
      return socket;
    },
    /** @param settings of the client */
    async browser(port: number, settings: Settings = {}): Promise<ClientHttp2Session & Disposable> {
      const socket = await secure(port, ['h2']);
      const session = connect(`https://${NAME}`, { createConnection: () => socket, settings });
      session.on('error', () => undefined);
      await once(session, 'remoteSettings');
      return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
    },
  };
}

export interface Answer {
  headers: Record<string, unknown>;
  body: Buffer;
}

/** Rejects when the stream is reset. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  const [[headers]] = await Promise.all([once(stream, 'response'), once(stream, 'end')]);
  return { headers, body: Buffer.concat(pieces) };
}

export function ask(
  session: ClientHttp2Session,
  path: string,
  more: OutgoingHttpHeaders = {},
  body?: Buffer,
): Promise<Answer> {
  // As browsers have it; Node's client names the port, too.
  const headers = { ':path': path, ':authority': NAME, ...more };
  const stream = session.request(headers, { endStream: body === undefined });
  if (body) stream.end(body);
  return answerOf(stream);
}

/** One frame (RFC 9113 §4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

/** A field as HPACK writes it without any table (RFC 7541 §6.2.2); name and value shorter than 127 bytes. */
export const plainField = (name: string, value: string): string =>
  `\x00${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;

/** The fields of a request, names and values by turns. */
export const HEAD: readonly string[] = [
  ':method',
  'GET',
  ':scheme',
  'https',
  ':authority',
  NAME,
  ':path',
  '/user/ada/',
];

export const headOf = (fields: readonly string[]): string =>
  fields.reduce((text, name, at) => (at % 2 === 0 ? text + plainField(name, fields[at + 1]!) : text), '');
