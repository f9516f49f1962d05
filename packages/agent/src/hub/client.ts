import type { Clock, Log } from '@atrium/sdk';
import { AgentError, textOf } from '../errors.ts';
import { call, openLine } from '../http.ts';
import { backoff, pause } from '../retry.ts';
import { trustAnchor } from './trust.ts';

const TIMEOUT_MS = 15_000;

/** The hub knows us and says no: 4xx other than "later". */
export class Refused extends AgentError {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The part of the hub that machines talk to: `POST {hub}api/atrium/workers/<verb>`. */
export interface HubClient {
  /** One try. @throws Refused, or any error when the hub could not be asked or answered nonsense. */
  once(verb: string, body: object, signal?: AbortSignal): Promise<{ status: number; body: unknown }>;
  /** Tries until there is an answer, a refusal, or the signal (then it rejects with the signal's reason). */
  ask(verb: string, body: object, signal: AbortSignal): Promise<{ status: number; body: unknown }>;
  /** PEM of what the hub's certificate leads to; undefined for plain http or a public certificate. */
  anchor(): Promise<string | undefined>;
}

export interface HubClientOptions {
  hub: string;
  ca?: string | undefined;
  from?: string | undefined;
  clock: Clock;
  log: Log;
}

export function hubClient({ hub, ca, from, clock, log }: HubClientOptions): HubClient {
  const line = openLine();
  let anchored: Promise<string> | undefined;
  const anchor = async (): Promise<string | undefined> => {
    if (!ca) return undefined;
    anchored ??= trustAnchor(hub, ca).catch((error) => {
      anchored = undefined;
      throw error;
    });
    return anchored;
  };

  const once: HubClient['once'] = async (verb, body, signal) => {
    const pem = await anchor();
    const answer = await call({
      method: 'POST',
      url: `${hub}api/atrium/workers/${verb}`,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      timeoutMs: TIMEOUT_MS,
      signal,
      from,
      tls: pem ? { ca: pem } : undefined,
      line,
    });
    const { status } = answer;
    const parsed = parse(answer.body);
    if (status === 200 || status === 202) {
      if (parsed === undefined) throw new AgentError(`The hub answered ${verb} with something that is not JSON.`);
      return { status, body: parsed };
    }
    const said = (parsed as { message?: unknown } | undefined)?.message;
    const message = `the hub answered ${status} to ${verb}${typeof said === 'string' ? `: ${said.slice(0, 300)}` : ''}`;
    if (status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429)
      throw new Refused(status, message);
    throw new AgentError(message);
  };

  return {
    once,
    anchor,
    async ask(verb, body, signal) {
      for (let attempt = 0; ; attempt++) {
        signal.throwIfAborted();
        try {
          return await once(verb, body, signal);
        } catch (error) {
          if (error instanceof Refused || signal.aborted) throw error;
          const ms = backoff(attempt);
          log.warn({ verb, attempt, ms, error: textOf(error) }, 'the hub could not be reached; trying again');
          await pause(clock, ms, signal);
        }
      }
    },
  };
}

function parse(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
