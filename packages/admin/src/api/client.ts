import { facts } from '../lib/facts.ts';
import { t } from '../strings/index.ts';

/** Why a call did not work, in words for the administrator. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  /** The rest of the answer, where one says more. */
  readonly body: unknown;

  constructor(
    message: string,
    about: { status: number; code: string; requestId?: string | undefined; body?: unknown },
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = about.status;
    this.code = about.code;
    this.requestId = about.requestId;
    this.body = about.body;
  }
}

interface ErrorBody {
  message?: string;
  code?: string;
  request_id?: string;
}

/** A call to the API. `path` is below it. */
export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'x-xsrftoken': facts().xsrf };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(facts().api + path, init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(t.problem.offline, { status: 0, code: 'offline' });
  }
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
  const answer: unknown = json ? JSON.parse(text) : undefined;
  if (response.ok) return answer as T;
  const { message, code = '', request_id: requestId } = (answer ?? {}) as ErrorBody;
  const words = t.problem.byCode[code] ?? message ?? t.problem.status(response.status);
  throw new ApiError(words, { status: response.status, code, requestId, body: answer });
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>('GET', path, undefined, signal);

/** A query as text; what is empty is left out. */
export function queryText(values: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** A name as one part of a path. */
export const part = encodeURIComponent;

/** The path of one server below `/users/…`. */
export const serverPath = (user: string, name: string) =>
  `/users/${part(user)}/${name === '' ? 'server' : `servers/${part(name)}`}`;
