import { type Profiler, Session } from 'node:inspector';

/**
 * Which blocks of the parsers ran, as V8 counts them. To ask costs milliseconds, so it is asked once for a batch of
 * inputs, and input by input only where the batch did something new.
 */
export class Coverage implements Disposable {
  readonly #session = new Session();
  readonly #seen = new Set<string>();
  readonly #isOurs: (url: string) => boolean;

  /** @param isOurs says which scripts count */
  constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many blocks, and magnitudes of their counts, were seen. */
  get size(): number {
    return this.#seen.size;
  }

  /** What ran since the last question: each block, and how many times, to a power of two. */
  take(counts: boolean): string[] {
    const features: string[] = [];
    for (const { url, functions } of this.#ask()) {
      if (!this.#isOurs(url)) continue;
      const file = url.slice(url.lastIndexOf('/') + 1);
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count === 0) continue;
          const block = `${file}:${startOffset}-${endOffset}`;
          features.push(block);
          if (counts) features.push(`${block}*${Math.floor(Math.log2(count))}`);
        }
      }
    }
    return features;
  }

  /** Whether any is new. */
  anyNew(features: readonly string[]): boolean {
    return features.some((feature) => !this.#seen.has(feature));
  }

  /** Takes them as seen; how many were new. */
  add(features: readonly string[]): number {
    const before = this.#seen.size;
    for (const feature of features) this.#seen.add(feature);
    return this.#seen.size - before;
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  #ask(): Profiler.ScriptCoverage[] {
    let result: Profiler.ScriptCoverage[] = [];
    // In the same process the answer is there before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (_error, answer) => {
      result = answer?.result ?? [];
    });
    return result;
  }
}
