/** Of one piece of news, again after this; a tab asks a server that is gone every few seconds. */
const EVERY_MS = 30_000;
const MOST_KEYS = 1000;

/** Says each thing once in a while, however often it happens. Memory is bounded: of the oldest it forgets that it said them. */
export class Seldom {
  readonly #said = new Map<string, { at: number; swallowed: number }>();

  /** How often it happened unsaid since the last time; undefined when it is too early to say it again. */
  due(key: string, now: number): number | undefined {
    const before = this.#said.get(key);
    if (before && now - before.at < EVERY_MS) {
      before.swallowed++;
      return undefined;
    }
    this.#said.delete(key);
    this.#said.set(key, { at: now, swallowed: 0 });
    if (this.#said.size > MOST_KEYS) this.#said.delete(this.#said.keys().next().value!);
    return before?.swallowed ?? 0;
  }
}
