import { randomBytes } from 'node:crypto';

const LONGEST_TTL = 21_600;

/** Session tokens of one machine's metadata service (IMDSv2). */
export class ImdsTokens {
  readonly #clock: { now(): number };
  readonly #expiry = new Map<string, number>();

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  /** A new token for `ttl` seconds; undefined when that is not a number from 1 to 21600. */
  issue(ttl: string | undefined): string | undefined {
    const seconds = Number(ttl);
    if (ttl === undefined || !Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_TTL) return undefined;
    const now = this.#clock.now();
    for (const [token, expiry] of this.#expiry) if (expiry <= now) this.#expiry.delete(token);
    const token = `${randomBytes(39).toString('base64url')}==`;
    this.#expiry.set(token, now + seconds * 1000);
    return token;
  }

  isValid(token: string | undefined): boolean {
    return token !== undefined && (this.#expiry.get(token) ?? 0) > this.#clock.now();
  }
}
