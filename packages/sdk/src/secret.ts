import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const PLACEHOLDER = '«secret»';

/** A value that must never be printed. It shows as a placeholder everywhere; only `reveal()` gives the text. */
export class Secret {
  readonly #text: string;
  /** Where it came from, for `atrium config show`: `env HUB_KEY`, `file /run/secrets/key`. Never the value. */
  readonly origin: string;

  constructor(text: string, origin = 'literal') {
    this.#text = text;
    this.origin = origin;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return PLACEHOLDER;
  }

  toJSON(): string {
    return PLACEHOLDER;
  }

  [inspect.custom](): string {
    return PLACEHOLDER;
  }
}

/** Compares in constant time, whatever the lengths: both sides are hashed first. */
export function sameSecret(given: string, expected: Secret | string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected instanceof Secret ? expected.reveal() : expected));
}
