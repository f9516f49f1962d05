/** Longest wait that an authority's `Retry-After` is believed, ms: a wrong date must not stop renewals for good. */
export const MAX_RETRY_AFTER_MS = 7 * 86_400_000;
const TYPE = 'urn:ietf:params:acme:error:';

/** What an ACME server refused or could not do (RFC 8555 §6.7, RFC 9457). The message is for a person. */
export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem';
  /** Short name of RFC 8555's problem (`rateLimited`, `connection`, `dns`, …); empty when it gave none. */
  readonly kind: string;
  /** HTTP status; 0 when the problem is part of an order or a challenge, or nothing answered. */
  readonly status: number;
  /** When the server wants to be asked again, ms from now. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, more: { kind?: string; status?: number; retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.kind = more.kind ?? '';
    this.status = more.status ?? 0;
    this.retryAfterMs = more.retryAfterMs;
  }
}

interface ProblemDocument {
  type?: unknown;
  detail?: unknown;
  subproblems?: unknown;
}

/** The sentence and the kind of a problem document; undefined when it is none. */
export function readProblem(value: unknown): { text: string; kind: string } | undefined {
  const { type, detail, subproblems } = (value ?? {}) as ProblemDocument;
  if (typeof type !== 'string' && typeof detail !== 'string') return undefined;
  const kind = typeof type === 'string' && type.startsWith(TYPE) ? type.slice(TYPE.length) : '';
  const parts = [typeof detail === 'string' ? detail : 'no reason was given'];
  for (const sub of Array.isArray(subproblems) ? subproblems.slice(0, 10) : []) {
    const name = (sub as { identifier?: { value?: unknown } }).identifier?.value;
    const text = readProblem(sub)?.text;
    if (text !== undefined) parts.push(typeof name === 'string' ? `${name}: ${text}` : text);
  }
  // Somebody else's words go to logs and pages: one line, and not without end.
  const text = parts.join('; ').replace(/\s+/g, ' ').slice(0, 1_000);
  return { text: kind === '' ? text : `${text} (${kind})`, kind };
}

/** `Retry-After`: seconds or a date. @returns ms from `now`; undefined without one */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : undefined;
}
