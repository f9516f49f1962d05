/** One line of the fault script. Without `code` and `dropResponse` it only delays. */
export interface Fault {
  /** EC2 action, or `service:Action` for the others (`iam:CreateRole`). `*` is any action. */
  action: string;
  /** Parameters that must have these values, or a test of them. In the SDK's names; `InstanceIds` matches when it contains the value. */
  match?: Record<string, string | number | boolean> | ((params: Record<string, unknown>, caller: string) => boolean);
  /** Which matching call is hit first, counted from 1; default 1. */
  nth?: number;
  /** How many calls in a row are hit; default 1. */
  times?: number;
  /** Error code to answer instead of doing the work. */
  code?: string;
  message?: string;
  /** HTTP status of that error; default 400, for well-known throttle and server codes their own. */
  status?: number;
  /** Simulated milliseconds before anything is done. */
  delayMs?: number;
  /** Do the work, then cut the connection without an answer. */
  dropResponse?: boolean;
}

interface Scripted extends Fault {
  seen: number;
  hits: number;
}

const STATUS: Record<string, number> = {
  RequestLimitExceeded: 503,
  Throttling: 503,
  Unavailable: 503,
  ServiceUnavailable: 503,
  InternalError: 500,
  InternalFailure: 500,
  InsufficientInstanceCapacity: 500,
  UnauthorizedOperation: 403,
  AuthFailure: 403,
};

/** HTTP status that AWS gives with an error code. */
export const statusOf = (code: string): number => STATUS[code] ?? 400;

export class Faults {
  #script: Scripted[] = [];

  /** Adds a line; returns how often it has struck so far, and how to take it out. */
  add(fault: Fault): { readonly hits: number; remove(): void } {
    const scripted: Scripted = { ...fault, seen: 0, hits: 0 };
    this.#script.push(scripted);
    return {
      get hits() {
        return scripted.hits;
      },
      remove: () => {
        this.#script = this.#script.filter((other) => other !== scripted);
      },
    };
  }

  clear(): void {
    this.#script = [];
  }

  /** The faults that strike this call; counts it for every line it matches. */
  strike(service: string, action: string, params: Record<string, unknown>, caller: string): Fault[] {
    const struck: Fault[] = [];
    for (const line of this.#script) {
      const named = line.action === '*' || line.action === (service === 'ec2' ? action : `${service}:${action}`);
      if (!(named || line.action === `${service}:${action}`) || !matches(line.match, params, caller)) continue;
      line.seen += 1;
      const first = line.nth ?? 1;
      if (line.seen < first || line.seen >= first + (line.times ?? 1)) continue;
      line.hits += 1;
      struck.push(line);
    }
    return struck;
  }
}

function matches(match: Fault['match'], params: Record<string, unknown>, caller: string): boolean {
  if (match === undefined) return true;
  if (typeof match === 'function') return match(params, caller);
  return Object.entries(match).every(([name, wanted]) => {
    const given = params[name];
    return Array.isArray(given) ? given.includes(wanted) : given === wanted;
  });
}
