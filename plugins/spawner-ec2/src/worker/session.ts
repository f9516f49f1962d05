import { createHash, randomBytes } from 'node:crypto';
import { HubError, type Json, type Store, sameSecret } from '@atrium/sdk';

/** What was agreed with the machine of one start. Key `session/<server>`; a new start, or a stop, ends it. */
export type MachineSession = {
  cluster: string;
  server: string;
  generation: number;
  instanceId: string;
  /** SHA-256 of the session's secret. */
  hash: string;
  /** Who was answered first in each boot: others who ask in its name are refused. */
  boots: { bootId: string; nonce: string }[];
  answers: number;
  host: string;
  port: number;
  /** The machine says that its server answers. */
  ready: boolean;
  /** The machine says that it cannot start the server. */
  fault: { class: string; code: string; message: string } | null;
};

const keyOf = (server: string): string => `session/${server}`;
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export async function readSession(store: Store, server: string): Promise<MachineSession | undefined> {
  return (await store.get(keyOf(server))) as MachineSession | undefined;
}

export async function writeSession(store: Store, session: MachineSession): Promise<void> {
  await store.put(keyOf(session.server), session as Json);
}

export async function endSession(store: Store, server: string): Promise<void> {
  await store.delete(keyOf(server));
}

/** A secret that names its server, and what is kept of it. */
export function newSecret(server: string): { secret: string; hash: string } {
  const secret = `${server}.${randomBytes(24).toString('hex')}`;
  return { secret, hash: hashOf(secret) };
}

/** The session that a secret opens. @throws HubError not_allowed */
export async function sessionOf(store: Store, secret: string, cluster: string): Promise<MachineSession> {
  const server = secret.slice(0, Math.max(0, secret.lastIndexOf('.')));
  const session = server === '' ? undefined : await readSession(store, server);
  if (!session || session.cluster !== cluster || !sameSecret(hashOf(secret), session.hash)) {
    throw new HubError('not_allowed', 'not recognised', { facts: { server, why: 'no such session' } });
  }
  return session;
}
