import type { Socket } from 'node:net';
import type { FetchedTls } from '@atrium/sdk';
import { ClientConnection } from '../connection.ts';
import type { ProxyContext } from '../context.ts';
import { peerAddress } from '../forwarded.ts';
import { openSessions } from '../http2/sessions.ts';
import { mayEnter } from '../seen/peers.ts';
import { openChallenges } from './challenges.ts';
import { keep } from './fetched.ts';
import { openTlsFront, type TlsStats } from './front.ts';
import { isHubWell } from './health.ts';
import type { RedirectOptions, TlsOptions } from './options.ts';
import { openRedirect } from './redirect.ts';

/** The proxy's public side with TLS: what its listening sockets hand their connections to. */
export interface Secure {
  /** Of the public listener. Who speaks without TLS there is sent to it with TLS. */
  accept(socket: Socket): void;
  /** Of the port for browsers that come without TLS. */
  acceptPlain(socket: Socket): void;
  /** Says which port the public listener got. */
  isAt(port: number): void;
  stats(): TlsStats;
  /** Tells connections that carry many requests to take no new one. */
  goAway(): void;
  /** See `RunningProxy.setTicketKeys`. */
  setTicketKeys(keys: Buffer): void;
  /** What the hub fetched; served when it is resolved. */
  take(fetched: FetchedTls): Promise<void>;
  close(): Promise<void>;
}

/** @throws CertificateError */
export async function openSecure(
  tls: TlsOptions,
  options: Partial<RedirectOptions> | undefined,
  context: ProxyContext,
): Promise<Secure> {
  const { clock, log } = context;
  let port = 0;
  const { status } = options ?? {};
  const { hub } = context;
  const challenges = openChallenges();
  if (tls.fetched) context.challenge = challenges.answer;
  const redirect = openRedirect({
    toPort: () => options?.toPort ?? port,
    challenge: challenges.answer,
    ...(hub && { health: { path: hub.healthPath, ask: (gone: AbortSignal) => isHubWell(hub, gone) } }),
    ...(status && { status }),
  });
  const sessions = openSessions(context);
  const front = await openTlsFront({
    ...tls,
    clock,
    log,
    admit(socket) {
      if (!mayEnter(context.peers, socket)) return false;
      const peer = peerAddress(socket.remoteAddress);
      socket.on('close', () => context.peers.leave(peer));
      return true;
    },
    onSecure: ({ socket, hsts }) => {
      if (context.closing) socket.destroy();
      else if (socket.alpnProtocol === 'h2') sessions.accept({ socket, hsts });
      else new ClientConnection(context, socket, { only: undefined, secure: true, ...(hsts !== '' && { hsts }) });
    },
    onPlain: redirect.accept,
    challenges,
  });
  return {
    accept: front.accept,
    acceptPlain: redirect.accept,
    isAt: (at) => {
      port = at;
    },
    stats: front.stats,
    goAway: sessions.goAway,
    setTicketKeys: front.setTicketKeys,
    async take(fetched) {
      challenges.set(fetched.challenges);
      if (!tls.fetched || !fetched.certificate) return;
      await keep(tls.fetched.file, fetched.certificate);
      // Another proxy of this machine may have put it there before.
      await front.look();
    },
    async close() {
      redirect.close();
      await sessions.close();
      await front.close();
    },
  };
}
