/** What AWS has left. The first rule that fits a request decides; without one there is always room. */
export interface CapacityRule {
  type?: string;
  zone?: string;
  market?: 'on-demand' | 'spot';
  /** Instances that can still be had; counts down as they start. 0: none. */
  available?: number;
  /** Accept the request, then terminate the instance right after pending with this state reason. */
  afterPending?: string;
}

export interface Wanted {
  type: string;
  zone: string;
  market: 'on-demand' | 'spot';
}

export class CapacityMap {
  #rules: CapacityRule[];

  constructor(rules: CapacityRule[] = []) {
    this.#rules = rules.map((rule) => ({ ...rule }));
  }

  /** Adds a rule in front of the others; returns how to take it back. */
  add(rule: CapacityRule): () => void {
    const added = { ...rule };
    this.#rules.unshift(added);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== added);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** How many of `count` can start. */
  room(wanted: Wanted, count: number): number {
    return Math.min(count, this.#rule(wanted)?.available ?? count);
  }

  take(wanted: Wanted, count: number): void {
    const rule = this.#rule(wanted);
    if (rule?.available !== undefined) rule.available -= count;
  }

  /** The state reason with which an instance ends right after pending, if it does. */
  fate(wanted: Wanted): string | undefined {
    return this.#rule(wanted)?.afterPending;
  }

  #rule({ type, zone, market }: Wanted): CapacityRule | undefined {
    return this.#rules.find(
      (rule) =>
        (rule.type === undefined || rule.type === type) &&
        (rule.zone === undefined || rule.zone === zone) &&
        (rule.market === undefined || rule.market === market),
    );
  }
}
