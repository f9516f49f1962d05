import { readFileSync } from 'node:fs';
import type { OptionName, Values } from './options.ts';

/** The command line cannot be followed. The message says to a person what to change. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads options that `parseArgs` took, and says clearly what is wrong with one. */
export class Given {
  readonly #values: Values;

  constructor(values: Values) {
    this.#values = values;
  }

  has(...names: OptionName[]): boolean {
    return names.some((name) => this.#values[name] !== undefined);
  }

  flag(name: OptionName): boolean {
    return this.#values[name] === true;
  }

  text(name: OptionName): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  list(name: OptionName): string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : [];
  }

  /** A text that must not be empty. */
  filled(name: OptionName): string | undefined {
    const text = this.text(name);
    if (text === '') throw new UsageError(`--${name} is empty`);
    return text;
  }

  port(name: OptionName): number | undefined {
    return this.#number(name, 0, 65_535, 'a port: a whole number up to 65535');
  }

  count(name: OptionName): number | undefined {
    return this.#number(name, 0, 10_000_000, 'a whole number');
  }

  milliseconds(name: OptionName): number | undefined {
    return this.#number(name, 1, 2 ** 31 - 1, 'a whole number of milliseconds');
  }

  seconds(name: OptionName): number | undefined {
    return this.#number(name, 0, 86_400, 'a whole number of seconds, a day at most');
  }

  file(name: OptionName): Buffer | undefined {
    const path = this.filled(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (err) {
      throw new UsageError(`--${name}: ${path} cannot be read: ${(err as Error).message}`);
    }
  }

  #number(name: OptionName, least: number, most: number, what: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw new UsageError(`--${name} takes ${what}, not ${JSON.stringify(text)}`);
    return value;
  }
}
