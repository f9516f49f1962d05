import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { ClientConnection } from '../connection.ts';
import type { ProxyContext } from '../context.ts';
import type { Secured } from '../tls/front.ts';
import { requestHeadText } from './heads.ts';
import { StreamSocket } from './stream-socket.ts';

/** Requests that one browser may have under way; what nginx allows is 128. */
const MAX_STREAMS = 100;
/** Of a request's body, what may be on its way and not yet taken, for each stream. */
const WINDOW_BYTES = 256 * 1024;
/** The same for all of a connection: its own default would be 64 KiB for every round trip. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** Fields of a head; the parser behind it takes 200, and cookies come in crumbs. */
const MAX_FIELDS = 256;
/**
 * Requests that are given up before their answer (CVE-2023-44487): so many at once, as when somebody closes JupyterLab
 * while it loads, and so many a second. Who does more is sent away.
 */
const RESETS = { burst: 250, perSecond: 33 };
/** Frames that make no sense, and streams that were refused, before a connection is ended. */
const MAX_INVALID = 100;
/** Header tables, answers not yet sent and acknowledgements of one connection, MB. */
const MAX_MEMORY_MB = 10;
/** How long connections that were told to end may take to send their last bytes, ms. */
const LAST_BYTES_MS = 500;

/** Connections that speak HTTP/2. */
export interface Sessions {
  /** Takes one whose handshake chose `h2`. */
  accept(secured: Secured): void;
  /** Tells everybody to come again by another connection; what is under way goes on. */
  goAway(): void;
  /** Ends what is left, when what was said last is sent. */
  close(): Promise<void>;
}

/** HTTP/2 (RFC 9113) in front of the data path: each stream is a connection of its own to it. No push, no CONNECT. */
export function openSessions(context: ProxyContext): Sessions {
  const { limits, log, clock } = context;
  const open = new Set<ServerHttp2Session>();
  const options = {
    settings: {
      enablePush: false,
      maxConcurrentStreams: MAX_STREAMS,
      initialWindowSize: WINDOW_BYTES,
      maxHeaderListSize: limits.headBytes,
    },
    maxHeaderListPairs: MAX_FIELDS,
    maxSessionMemory: MAX_MEMORY_MB,
    maxSessionInvalidFrames: MAX_INVALID,
    maxSessionRejectedStreams: MAX_INVALID,
    streamResetBurst: RESETS.burst,
    streamResetRate: RESETS.perSecond,
    // What a server answers twice is its own affair.
    strictSingleValueFields: false,
  };
  const sendAway = (session: ServerHttp2Session) => {
    session.close();
    const cut = setTimeout(() => session.destroy(), LAST_BYTES_MS).unref();
    session.on('close', () => clearTimeout(cut));
  };
  return {
    accept({ socket, hsts }) {
      const session = performServerHandshake(socket, options);
      open.add(session);
      // Sockets may be half open here, for HTTP/1.1; whoever hangs up in HTTP/2 has gone.
      socket.on('end', () => session.destroy());
      session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      let streams = 0;
      session.on('close', () => open.delete(session));
      session.on('error', (err) =>
        log.debug({ err, peer: socket.remoteAddress }, 'a connection of HTTP/2 ended badly'),
      );
      session.setTimeout(limits.headTimeoutMs);
      session.on('timeout', () => {
        // Requests under way have deadlines of their own. Somebody in the middle of a head would never be done.
        if (streams === 0) sendAway(session);
      });
      session.on('stream', (stream, _headers, flags, raw) => {
        session.setTimeout(limits.idleTimeoutMs);
        streams += 1;
        stream.on('close', () => {
          streams -= 1;
          if (streams === 0 && !session.destroyed) session.setTimeout(limits.idleTimeoutMs);
        });
        begin(stream, raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0, { socket, hsts });
        // Its handshake was under way when others were told: it gets what it came for, and comes again.
        if (context.leaving) session.close();
      });
    },
    goAway() {
      for (const session of open) session.close();
    },
    async close() {
      const until = clock.now() + LAST_BYTES_MS;
      for (const session of open) session.close();
      while (open.size > 0 && clock.now() < until) await clock.sleep(10);
      for (const session of open) session.destroy();
    },
  };

  function begin(stream: ServerHttp2Stream, raw: readonly string[], hasBody: boolean, { socket, hsts }: Secured): void {
    const request = context.closing ? undefined : requestHeadText(raw, hasBody);
    if (!request) {
      if (!context.closing) context.counts.refuse('not a request in HTTP/2');
      stream.on('error', () => undefined);
      return stream.close(context.closing ? constants.NGHTTP2_REFUSED_STREAM : constants.NGHTTP2_PROTOCOL_ERROR);
    }
    const { text, method, chunked } = request;
    const body = hasBody ? (chunked ? 'chunked' : 'plain') : 'none';
    const client = new StreamSocket(stream, socket, { head: text, method, body });
    new ClientConnection(context, client, { only: undefined, secure: true, ...(hsts !== '' && { hsts }) });
  }
}
