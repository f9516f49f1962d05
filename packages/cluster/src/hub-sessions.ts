import { X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Scene } from './engine/part.ts';
import { readPin } from './parts/pin.ts';
import { pinOf } from './probe.ts';

/** Names of the people who have an active server, as the hub says. */
export type HubSessions = { ok: true; active: Set<string> } | { ok: false; reason: string };

const PAGE = 200;
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 16 * 1024 ** 2;

export async function readSessions(scene: Scene, token: string): Promise<HubSessions> {
  const host = scene.config.manager.domain ?? scene.ids.get('address-joined');
  const pinned = await readPin(scene);
  if (!host || !pinned) return { ok: false, reason: 'it does not answer' };
  const active = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const path = `/hub/api/users?state=active&offset=${offset}&limit=${PAGE}`;
    const answer = await ask(host, path, token, pinned).catch((error: Error) => error);
    if (answer instanceof Error) return { ok: false, reason: answer.message };
    const users = answer as { name: string }[];
    for (const { name } of users) active.add(name);
    if (users.length < PAGE) return { ok: true, active };
  }
}

/** Asks over a connection whose certificate is the one that `up` saw: the token goes nowhere else. */
async function ask(host: string, path: string, token: string, pinned: string): Promise<unknown> {
  const socket = await connectPinned(host, pinned);
  return new Promise((resolve, reject) => {
    const headers = { host, authorization: `token ${token}`, accept: 'application/json', connection: 'close' };
    const asked = request({ path, headers, createConnection: () => socket }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MOST_BYTES) asked.destroy(new Error('its answer is too long'));
      });
      answer.on('end', () => {
        if (answer.statusCode !== 200) return reject(new Error(`it answers ${answer.statusCode}`));
        try {
          resolve(JSON.parse(text));
        } catch {
          reject(new Error('its answer is no JSON'));
        }
      });
    });
    asked.setTimeout(TIMEOUT_MS, () => asked.destroy(new Error('it does not answer')));
    asked.on('error', reject);
    asked.end();
  });
}

function connectPinned(host: string, pinned: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const [address = host, port = '443'] = host.split(':');
    const servername = isIP(address) ? '' : address;
    const socket = connect(
      { host: address, port: Number(port), servername, rejectUnauthorized: false, timeout: TIMEOUT_MS },
      () => {
        if (pinOf(new X509Certificate(socket.getPeerCertificate().raw)) === pinned) return resolve(socket);
        socket.destroy();
        reject(new Error('its certificate is another one than when the cluster was made'));
      },
    );
    socket.on('timeout', () => socket.destroy(new Error('it does not answer')));
    socket.on('error', reject);
  });
}
