import { createHash } from 'node:crypto';

/** A server that runs when the hub begins. */
export interface SeededServer {
  /** Its id in Atrium. */
  id: string;
  user: string;
  /** The token that it holds. */
  token: string;
}

/** Who and what a hub of some size has. The same for every hub, so that they are compared on the same. */
export interface World {
  /** Everybody but the administrator. */
  people: string[];
  admin: string;
  /** The administrator's token. */
  token: string;
  servers: SeededServer[];
}

const FIRST = ['ada', 'bruno', 'chloe', 'dmitri', 'elena', 'farid', 'grace', 'hiro', 'ines', 'jonas', 'kofi', 'leila'];
const LAST = ['adler', 'brandt', 'castillo', 'dubois', 'eriksen', 'fontana', 'garcia', 'huang', 'ivanova', 'jansen'];

/** After so many people first names repeat; after each round of them comes the next family. */
export const FIRST_NAMES = FIRST.length;

/** 32 hex characters that are always the same for a text, as tokens look. */
export const tokenFor = (text: string) => createHash('sha256').update(`bench ${text}`).digest('hex').slice(0, 32);

/** How hubs of today store a token. */
export const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');

/** @param running how many of them have a running server: evenly spread over all */
export function makeWorld(users: number, running: number): World {
  const people = Array.from({ length: users }, (_, at) => {
    const [first, last] = [FIRST[at % FIRST.length], LAST[Math.floor(at / FIRST.length) % LAST.length]];
    return `${first}.${last}${String(at).padStart(5, '0')}`;
  });
  const step = running === 0 ? 1 : users / running;
  const servers = Array.from({ length: running }, (_, at) => {
    const user = people[Math.floor(at * step)] ?? '';
    return { id: `s${String(at).padStart(6, '0')}`, user, token: tokenFor(user) };
  });
  return { people, admin: 'zoe-admin', token: tokenFor('zoe-admin'), servers };
}
