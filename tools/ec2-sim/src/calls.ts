import type { AuthRequest } from './services/index.ts';

/** One request that reached the simulator, whatever became of it. */
export interface Call {
  /** Position in the log, counted from 0; survives `clear`. */
  readonly index: number;
  /** Simulated milliseconds since the epoch. */
  readonly at: number;
  /** `who` of `env(who)`, or the access key when nobody named it. */
  readonly caller: string;
  /** Signing name: ec2, iam, ssm, … */
  readonly service: string;
  readonly action: string;
  /** What was sent, in the SDK's names. */
  readonly params: Record<string, unknown>;
  /** Every resource the call touches, with the condition keys a policy sees. */
  authorization: AuthRequest[];
  readonly mutating: boolean;
  /** Left out while the call is still worked on. */
  status?: number;
  /** Error code of the answer, when it is an error. */
  code?: string;
  /** A fault dropped the answer after the work. */
  dropped?: boolean;
}

export interface CallQuery {
  service?: string;
  action?: string;
  caller?: string;
  /** Only calls logged at or after this index (see `mark`). */
  since?: number;
  /** Only calls answered with this error code. */
  code?: string;
  mutating?: boolean;
}

/** Everything that was asked, in order: the ground for assertions about budgets and rights. */
export class CallLog {
  #calls: Call[] = [];
  #next = 0;
  readonly #watchers = new Set<(call: Call) => void>();

  add(call: Omit<Call, 'index'>): Call {
    const logged = { ...call, index: this.#next++ };
    this.#calls.push(logged);
    for (const watcher of this.#watchers) watcher(logged);
    return logged;
  }

  /** Told of each call when it comes in, before anything is done. @returns ends it */
  watch(watcher: (call: Call) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Index of the next call: give it to `since`. */
  mark(): number {
    return this.#next;
  }

  all(query: CallQuery | string = {}): readonly Call[] {
    const q = typeof query === 'string' ? { action: query } : query;
    return this.#calls.filter(
      (call) =>
        (q.service === undefined || call.service === q.service) &&
        (q.action === undefined || call.action === q.action) &&
        (q.caller === undefined || call.caller === q.caller) &&
        (q.since === undefined || call.index >= q.since) &&
        (q.code === undefined || call.code === q.code) &&
        (q.mutating === undefined || call.mutating === q.mutating),
    );
  }

  /** How many calls; `count('StartInstances')` counts one action. */
  count(query: CallQuery | string = {}): number {
    return this.all(query).length;
  }

  /** Calls per action, the busiest first. */
  byAction(query: CallQuery = {}): Record<string, number> {
    const counts = new Map<string, number>();
    for (const { action } of this.all(query)) counts.set(action, (counts.get(action) ?? 0) + 1);
    return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]));
  }

  clear(): void {
    this.#calls = [];
  }
}

/** Something the simulator does not know: a test with violations has tested nothing there. */
export interface Violation {
  kind: 'service' | 'action' | 'parameter' | 'filter' | 'value';
  caller: string;
  action: string;
  message: string;
}
