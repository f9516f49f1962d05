import { createHash, getHashes, timingSafeEqual } from 'node:crypto';

/** More than JupyterHub ever used (16,384), by far: a row that asks for more is damaged, or meant to keep us busy. */
const MOST_ROUNDS = 65_536;
/** JupyterHub looks no further at what is longer. */
const LONGEST_TOKEN = 64;

interface Parts {
  algorithm: string;
  rounds: number;
  salt: string;
  digest: Buffer;
}

/** `algorithm:rounds:salt:hexdigest`, or undefined when it is none that can be checked here. */
export function parseTokenHash(hashed: string): Parts | undefined {
  const [, algorithm = '', rounds = '', salt = '', digest = ''] =
    /^([a-z0-9_-]+):(\d{1,5}):([0-9a-f]*):([0-9a-f]+)$/.exec(hashed) ?? [];
  if (!algorithms().has(algorithm) || Number(rounds) > MOST_ROUNDS) return undefined;
  return { algorithm, rounds: Number(rounds), salt, digest: Buffer.from(digest, 'hex') };
}

let known: ReadonlySet<string> | undefined;
const algorithms = () => (known ??= new Set(getHashes().map((name) => name.toLowerCase())));

/** Whether JupyterHub would take `token` for the one behind `hashed` (contract §9.2). */
export function matchesTokenHash(hashed: string, token: string): boolean {
  const parts = parseTokenHash(hashed);
  if (!parts || token.length > LONGEST_TOKEN) return false;
  const hash = createHash(parts.algorithm);
  // The salt as it is written: the letters of its hexadecimal form.
  hash.update(parts.salt, 'ascii');
  hash.update(Buffer.from(token.repeat(parts.rounds), 'utf8'));
  const digest = hash.digest();
  return digest.length === parts.digest.length && timingSafeEqual(digest, parts.digest);
}
