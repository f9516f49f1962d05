import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import type { Load } from './load.ts';

/** What kind of key a certificate has. */
export type KeyKind = 'p256' | 'rsa2048';

export interface CertificateFiles {
  cert: string;
  key: string;
  /** Both in one. */
  both: string;
}

/** A certificate that nobody vouches for, in `dir`. */
export function certificateIn(dir: string, kind: KeyKind): CertificateFiles {
  const [cert, key, both] = ['cert.pem', 'key.pem', 'both.pem'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const algorithm = kind === 'p256' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['rsa:2048'];
  const request = ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=hub.example.org', '-newkey', ...algorithm];
  execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return { cert, key, both };
}

/** One connection of TLS 1.3, when its handshake is done. @param session to be resumed */
async function shake(port: number, session?: Buffer): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'hub.example.org',
    minVersion: 'TLSv1.3',
    // What all of them know: newer ones would choose a key exchange that costs more and withstands quantum computers.
    ecdhCurve: 'X25519',
    rejectUnauthorized: false,
    ...(session && { session }),
  });
  // Tickets, and the end, are only seen by who reads.
  socket.resume();
  await once(socket, 'secureConnect');
  return socket;
}

/** Whether TLS is spoken there. */
export function speaksTls(port: number): Promise<boolean> {
  return shake(port).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}

/** What a connection can be resumed with: it comes when the handshake is done (RFC 8446 §4.6.1). */
export async function sessionOf(port: number): Promise<Buffer> {
  const socket = await shake(port);
  const [session] = await once(socket, 'session');
  socket.destroy();
  return session as Buffer;
}

/** Connections of TLS, 16 at a time, that are closed when their handshake is done. */
export async function handshakeLoad(port: number, until: number, session?: Buffer): Promise<Load> {
  const latencies: number[] = [];
  const one = async () => {
    while (performance.now() < until) {
      const began = performance.now();
      const socket = await shake(port, session);
      latencies.push(performance.now() - began);
      if (session && !socket.isSessionReused()) throw new Error('a connection was not resumed');
      socket.end();
      await once(socket, 'close');
    }
  };
  await Promise.all(Array.from({ length: 16 }, one));
  return { done: latencies.length, latencies };
}
