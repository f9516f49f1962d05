import type { Caller } from './services/index.ts';

/** Access keys and whose they are. A key nobody registered belongs to a user of its own name. */
export class Callers {
  readonly #accountId: string;
  readonly #byKey = new Map<string, Caller>();

  constructor(accountId: string) {
    this.#accountId = accountId;
  }

  /** The access key of a caller named `who`, made at the first request for it. */
  keyFor(who: string): string {
    for (const caller of this.#byKey.values()) if (caller.name === who && !caller.role) return caller.accessKeyId;
    const accessKeyId = `AKIASIM${String(this.#byKey.size + 1).padStart(13, '0')}`;
    this.register({ accessKeyId, name: who, arn: `arn:aws:iam::${this.#accountId}:user/${who}` });
    return accessKeyId;
  }

  register(caller: Caller): void {
    this.#byKey.set(caller.accessKeyId, caller);
  }

  of(accessKeyId: string): Caller {
    return (
      this.#byKey.get(accessKeyId) ?? {
        accessKeyId,
        name: accessKeyId,
        arn: `arn:aws:iam::${this.#accountId}:user/${accessKeyId}`,
      }
    );
  }
}
