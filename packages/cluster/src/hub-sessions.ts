import { request } from 'node:https';
import type { Scene } from './engine/part.ts';
import { probeManager } from './parts/manager.ts';

/** Names of the people who have an active server, as the hub says. */
export type HubSessions = { ok: true; active: Set<string> } | { ok: false; reason: string };

const PAGE = 200;
const MOST_BYTES = 16 * 1024 ** 2;

/** Asks the hub through the address that the probe found well. */
export async function readSessions(scene: Scene, token: string): Promise<HubSessions> {
  const { domain, tls } = scene.config.manager;
  const host = domain ?? scene.ids.get('address-joined');
  const probed = await probeManager(scene);
  if (!host || !probed.ok) return { ok: false, reason: 'it does not answer' };
  const active = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const path = `/hub/api/users?state=active&offset=${offset}&limit=${PAGE}`;
    const answer = await ask(host, path, token, tls === 'self-signed').catch((error: Error) => error);
    if (answer instanceof Error) return { ok: false, reason: answer.message };
    const users = answer as { name: string }[];
    for (const { name } of users) active.add(name);
    if (users.length < PAGE) return { ok: true, active };
  }
}

/** @param selfSigned the certificate cannot be checked; a token is then sent only where the operator's own cluster answers. */
function ask(host: string, path: string, token: string, selfSigned: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `token ${token}`, accept: 'application/json' };
    const asked = request(
      { host, path, headers, rejectUnauthorized: !selfSigned, agent: false, timeout: 10_000 },
      (answer) => {
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
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('it does not answer')));
    asked.on('error', reject);
    asked.end();
  });
}
