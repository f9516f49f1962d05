import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';

/** Where somebody comes to by TLS, and whom they trust. */
export interface Visit {
  port: number;
  servername: string;
  /** PEM. */
  ca: string;
}

/** A connection as a browser's, which has one certificate for as long as it lasts. `ask` gives the status line of an answer. */
export function openTls(visit: Visit): Promise<TLSSocket & { ask(): Promise<string> }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', ...visit }, () => {
      const ask = () =>
        new Promise<string>((done) => {
          socket.once('data', (chunk) => done(chunk.toString('latin1').split('\r\n')[0]!));
          socket.write(`GET /_chp_healthz HTTP/1.1\r\nHost: ${visit.servername}\r\n\r\n`);
        });
      resolve(Object.assign(socket, { ask }));
    });
    socket.on('error', reject);
  });
}

/** What is served to who comes now; undefined while it is not one that `ca` signed. */
export async function servedCertificate(visit: Visit): Promise<PeerCertificate | undefined> {
  const socket = await openTls(visit).catch(() => undefined);
  const certificate = socket?.getPeerCertificate(true);
  socket?.destroy();
  return certificate;
}
