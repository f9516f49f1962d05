import { argon2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const argon2Async = promisify(argon2);
const scryptAsync = promisify(scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

/** What one hash costs. The defaults are OWASP's first choice for argon2id: 19 MiB, two passes. */
export interface Cost {
  memoryKiB: number;
  passes: number;
}

const TAG_BYTES = 32;
const SALT_BYTES = 16;
const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

/** Typed on another keyboard or phone, the same password must give the same bytes (NIST SP 800-63B §5.1.1.2). */
const bytesOf = (password: string) => password.normalize('NFKC');

/** A PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. Runs on the thread pool. */
export async function hashPassword(password: string, { memoryKiB, passes }: Cost): Promise<string> {
  const nonce = randomBytes(SALT_BYTES);
  const tag = await argon2Async('argon2id', {
    message: bytesOf(password),
    nonce,
    parallelism: 1,
    tagLength: TAG_BYTES,
    memory: memoryKiB,
    passes,
  });
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${base64(nonce)}$${base64(tag)}`;
}

/**
 * Checks a PHC string of argon2id, or of scrypt (accounts brought from elsewhere).
 * @throws Error when the stored text is neither: that is damage, not a wrong password.
 */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const [, id, ...parts] = phc.split('$');
  const parameters = parts.at(-3) ?? '';
  const salt = Buffer.from(parts.at(-2) ?? '', 'base64');
  const expected = Buffer.from(parts.at(-1) ?? '', 'base64');
  const number = (key: string) => {
    const value = new RegExp(`(?:^|,)${key}=(\\d+)(?:,|$)`).exec(parameters)?.[1];
    if (value === undefined) throw new Error(`A stored password hash has no parameter ${key}.`);
    return Number(value);
  };
  if (expected.length < 16) throw new Error('A stored password hash is damaged.');
  const message = bytesOf(password);
  if (id === 'argon2id') {
    const given = await argon2Async('argon2id', {
      message,
      nonce: salt,
      parallelism: number('p'),
      tagLength: expected.length,
      memory: number('m'),
      passes: number('t'),
    });
    return timingSafeEqual(given, expected);
  }
  if (id === 'scrypt') {
    const N = 2 ** number('ln');
    const r = number('r');
    const given = await scryptAsync(message, salt, expected.length, { N, r, p: number('p'), maxmem: 256 * N * r });
    return timingSafeEqual(given, expected);
  }
  throw new Error('A stored password hash is of a kind this plug-in does not know.');
}

/** Whether the hash was made with other parameters than today's, and should be made anew at the next sign-in. */
export function isOutdated(phc: string, { memoryKiB, passes }: Cost): boolean {
  return !phc.startsWith(`$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$`);
}
