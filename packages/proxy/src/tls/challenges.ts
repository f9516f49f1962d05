import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext } from 'node:tls';
import type { AcmeChallenge } from '@atrium/sdk';

/** RFC 8737 §4: the one protocol of such a handshake, as a ClientHello has it. */
const ALPN = 'acme-tls/1';
const MARK = Buffer.concat([Buffer.from([ALPN.length]), Buffer.from(ALPN)]);
const PATH = '/.well-known/acme-challenge/';
const RECORD_HEAD = 5;
/** A record of TLS is no longer (RFC 8446 §5.1). */
const MAX_RECORD = RECORD_HEAD + 16_384;
const LASTS_MS = 15_000;

/** What ACME authorities ask this installation, and what they are answered, for as long as the hub says so. */
export interface Challenges {
  /** These and no others from now on. */
  set(challenges: readonly AcmeChallenge[]): void;
  /** The answer to a request without its query; undefined for anything but a challenge. */
  answer(path: string): string | undefined;
  /** Whether anybody may ask by TLS: then the first bytes of handshakes have to be looked at. */
  readonly byTls: boolean;
  /** Whether this is such a handshake; `more` while that cannot be told. @param start of the connection, a handshake */
  asks(start: Buffer): boolean | 'more';
  /** Takes a connection whose handshake asks: it ends with it. */
  accept(socket: Socket): void;
}

export function openChallenges(): Challenges {
  let byToken = new Map<string, string>();
  let byName = new Map<string, SecureContext>();
  const server = createServer({
    ALPNProtocols: [ALPN],
    handshakeTimeout: LASTS_MS,
    minVersion: 'TLSv1.2',
    SNICallback: (name, done) => {
      const context = byName.get(name.toLowerCase());
      // Who asks for a name that nothing is to be proved of gets no certificate at all.
      if (context) done(null, context);
      else done(new Error('no challenge for this name'));
    },
  });
  // All that is to be seen is the certificate.
  server.on('secureConnection', (socket) => socket.on('error', () => {}).end());
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return {
    set(challenges) {
      byToken = new Map();
      byName = new Map();
      for (const each of challenges) {
        if (each.kind === 'http-01') byToken.set(`${PATH}${each.token}`, each.answer);
        else byName.set(each.domain.toLowerCase(), createSecureContext({ cert: each.chain, key: each.key }));
      }
    },
    answer: (path) => (byToken.size === 0 ? undefined : byToken.get(path)),
    get byTls() {
      return byName.size > 0;
    },
    asks(start) {
      if (start.length < RECORD_HEAD) return 'more';
      const end = RECORD_HEAD + start.readUInt16BE(3);
      if (start.subarray(0, end).includes(MARK)) return true;
      return start.length < Math.min(end, MAX_RECORD) ? 'more' : false;
    },
    accept(socket) {
      socket.setTimeout(LASTS_MS, () => socket.destroy());
      server.emit('connection', socket);
    },
  };
}
