import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { type Clock, type Log, TLS12_SUITES } from '@atrium/sdk';
import type { Challenges } from './challenges.ts';
import { startingFile } from './fetched.ts';
import type { TlsOptions } from './options.ts';
import { CertificateError } from './pair.ts';
import { ensureSelfSigned } from './self-signed.ts';
import { type CertificateFacts, CertificateStore } from './store.ts';

/** First byte of a TLS handshake record (RFC 8446 §5.1); no request line begins with it. */
const HANDSHAKE = 0x16;
const HANDSHAKE_MS = 15_000;
const WATCH_EVERY_MS = 5_000;
/** How often a certificate of our own is looked at for its end. */
const RENEW_EVERY_MS = 3_600_000;

/** Processes that share keys of tickets resume each other's sessions only within this; Node's own default differs between them. */
const SESSIONS = 'atrium';

const SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  ...TLS12_SUITES,
].join(':');

const SECURE: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  ciphers: SUITES,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
};

/** A connection whose handshake is done. */
export interface Secured {
  socket: TLSSocket;
  /** The whole line of Strict-Transport-Security that its answers may carry; empty for none. */
  hsts: string;
}

/** Counts since the start. */
export interface TlsStats {
  /** Handshakes that came to a connection, and those that did not. */
  handshakes: number;
  failed: number;
  certificates: CertificateFacts[];
}

export interface TlsFrontOptions extends TlsOptions {
  clock: Clock;
  log: Log;
  /** False for a connection that was cut off, because its address has enough of them. */
  admit?(socket: Socket): boolean;
  onSecure(secured: Secured): void;
  /** A client that speaks without TLS; what it sent is still to be read. Default: it is cut off. */
  onPlain?(socket: Socket): void;
  /** What ACME authorities may ask here. */
  challenges?: Challenges;
}

/** The TLS side of a listening socket. */
export interface TlsFront {
  /** Takes a connection as it was accepted. */
  accept(socket: Socket): void;
  stats(): TlsStats;
  /** Looks at the files now, without waiting for the next time. */
  look(): Promise<void>;
  /** See `RunningProxy.setTicketKeys`. */
  setTicketKeys(keys: Buffer): void;
  /** Cuts off everybody who came through here: for the very end. */
  close(): Promise<void>;
}

/**
 * Reads the certificates and is ready for connections. It listens nowhere by itself.
 * @throws CertificateError
 */
export async function openTlsFront(options: TlsFrontOptions): Promise<TlsFront> {
  const { clock, log, onSecure, onPlain, hstsSeconds = 0, handshakeTimeoutMs = HANDSHAKE_MS } = options;
  const context = { ...SECURE, ...options.context };
  const { selfSigned, fetched, challenges } = options;
  const certificates = selfSigned
    ? [await ensureSelfSigned(selfSigned, clock.now())]
    : fetched
      ? [await startingFile(fetched, clock, log)]
      : (options.certificates ?? []);
  if (certificates.length === 0) throw new CertificateError('TLS needs a certificate.');
  let renewAt = clock.now() + RENEW_EVERY_MS;
  const store = await CertificateStore.open({
    certificates,
    async renew() {
      if (!selfSigned || clock.now() < renewAt) return;
      renewAt = clock.now() + RENEW_EVERY_MS;
      await ensureSelfSigned(selfSigned, clock.now());
    },
    context,
    clock,
    log,
    onChange: () => install(),
  });
  const hsts = hstsSeconds > 0 ? `Strict-Transport-Security: max-age=${Math.floor(hstsSeconds)}\r\n` : '';
  const counts = { handshakes: 0, failed: 0 };
  /** Everything accepted, so that nothing is left in the middle of a handshake at the end. */
  const accepted = new Set<Socket>();

  const server = createServer({
    sessionIdContext: SESSIONS,
    ALPNProtocols: options.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: options.requestCert ?? false,
    rejectUnauthorized: options.rejectUnauthorized ?? false,
    // With one certificate there is nothing to choose, and a handshake need not stop for it.
    ...(certificates.length > 1 && {
      SNICallback: (name: string, done: (error: null, context: SecureContext) => void) =>
        done(null, store.of(name).context),
    }),
  });
  let ticketKeys: Buffer | undefined;
  const install = () =>
    server.setSecureContext({
      ...{ ...context, ...store.first.credentials, sessionIdContext: SESSIONS },
      ...(ticketKeys && { ticketKeys }),
    });
  install();
  server.on('secureConnection', (socket) => {
    counts.handshakes++;
    const trusted = hsts !== '' && !store.of(socket.servername).selfSigned;
    onSecure({ socket, hsts: trusted ? hsts : '' });
  });
  server.on('tlsClientError', (err, socket) => {
    counts.failed++;
    // Scanners, and people before they accept a certificate: nothing that anybody has to do something about.
    log.debug({ err, peer: socket.remoteAddress }, 'a TLS handshake failed');
    socket.destroy();
  });

  const watching = new AbortController();
  const watched = store.watch(options.watchEveryMs ?? WATCH_EVERY_MS, watching.signal);
  return {
    accept(socket) {
      if (options.admit && !options.admit(socket)) return;
      accepted.add(socket);
      const cutOff = () => socket.destroy();
      socket.on('close', () => accepted.delete(socket)).on('error', cutOff);
      socket.setTimeout(handshakeTimeoutMs, cutOff);
      let first: Buffer | undefined;
      const look = () => {
        const chunk = socket.read() as Buffer | null;
        // Gone before it said anything, or enough.
        if (chunk === null) return cutOff();
        first = first ? Buffer.concat([first, chunk]) : chunk;
        const isHandshake = first[0] === HANDSHAKE;
        const asks = isHandshake && challenges?.byTls ? challenges.asks(first) : false;
        if (asks === 'more') return void socket.once('readable', look);
        socket.unshift(first);
        socket.setTimeout(0).off('timeout', cutOff);
        if (asks) challenges?.accept(socket);
        else if (isHandshake) server.emit('connection', socket);
        else if (onPlain) onPlain(socket);
        else cutOff();
      };
      socket.once('readable', look);
    },
    stats: () => ({ ...counts, certificates: store.facts }),
    look: () => store.look(),
    setTicketKeys(keys) {
      ticketKeys = keys;
      server.setTicketKeys(keys);
    },
    async close() {
      watching.abort();
      for (const socket of accepted) socket.destroy();
      await watched;
    },
  };
}
