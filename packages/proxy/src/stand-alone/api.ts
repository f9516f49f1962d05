import { createHash, timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, type RequestListener, STATUS_CODES } from 'node:http';
import type { Log } from '@atrium/sdk';
import type { StandAloneFigures } from './figures.ts';
import { cleanKey, type Routes } from './routes.ts';
import { TargetError } from './target.ts';

const MAX_BODY = 1024 * 1024;

export interface ApiOptions {
  routes: Routes;
  /** Undefined lets everybody in who can connect. */
  token: string | undefined;
  figures: StandAloneFigures | undefined;
  log: Log;
}

/** What is answered: a status, and a text or something for JSON. */
interface Answer {
  status: number;
  text?: string;
  json?: unknown;
}

const METHODS = new Set(['GET', 'POST', 'DELETE']);
const PATH = /^\/api\/routes(\/.*)?$/;

/** `/api/routes` (contract §6.1): the way in which JupyterHub tells its proxy what leads where. */
export function routesApi(options: ApiOptions): RequestListener {
  const { log, figures } = options;
  return (request, reply) => {
    const started = answer(request, options).catch((err: unknown): Answer => {
      log.error({ err }, 'a request for routes failed');
      return { status: 500 };
    });
    void started.then(({ status, text, json }) => {
      figures?.answered('requests_api', status);
      const level = status < 400 ? 'info' : status < 500 ? 'warn' : 'error';
      log[level]({}, `${status} ${request.method} ${request.url?.split('?', 1)[0]}${text ? ` ${text}` : ''}`);
      if (json !== undefined) reply.setHeader('Content-Type', 'application/json');
      else if (text !== undefined) reply.setHeader('Content-Type', 'text/plain; charset=utf-8');
      // What was not read of a body would be taken for the next request.
      if (!request.complete) reply.setHeader('Connection', 'close');
      reply.writeHead(status).end(json === undefined ? (text ?? '') : JSON.stringify(json));
    });
  };
}

async function answer(request: IncomingMessage, options: ApiOptions): Promise<Answer> {
  const { routes, token, figures, log } = options;
  // A path of two slashes is no host.
  const url = new URL(`http://proxy${request.url}`);
  const path = PATH.exec(url.pathname);
  if (!path) return { status: 404, text: STATUS_CODES[404]! };
  const method = request.method ?? '';
  if (!METHODS.has(method)) return { status: 405, text: 'Method not supported' };
  if (token !== undefined && !isAuthorized(request.headers.authorization, token)) return { status: 403 };

  const key = keyOf(path[1] ?? '/');
  if (key === undefined) return { status: 400, text: `The path ${url.pathname} has malformed escapes` };
  if (method === 'POST') {
    const body = await bodyOf(request);
    if (typeof body === 'string') return { status: body === TOO_LARGE ? 413 : 400, text: body };
    try {
      routes.add(key, body);
    } catch (err) {
      if (err instanceof TargetError) return { status: 400, text: err.message };
      throw err;
    }
    figures?.count('api_route_add');
    log.info({ target: body.target }, `route set: ${key}`);
    return { status: 201 };
  }
  if (method === 'DELETE') {
    figures?.count('api_route_delete');
    const removed = routes.remove(key);
    if (removed) log.info({}, `route removed: ${key}`);
    return { status: removed ? 204 : 404 };
  }
  if (key !== '/') {
    const route = routes.get(key);
    return route ? { status: 200, json: route } : { status: 404 };
  }
  const said = url.searchParams.get('inactiveSince') || url.searchParams.get('inactive_since');
  const since = said ? Date.parse(said) : Number.POSITIVE_INFINITY;
  if (Number.isNaN(since)) return { status: 400, text: `Invalid datestamp '${said}' must be ISO8601.` };
  figures?.count('api_route_get');
  return { status: 200, json: routes.all(since) };
}

/** `token <the token>`, and nothing else. Takes as long for every wrong one. */
function isAuthorized(header: string | undefined, token: string): boolean {
  const [, said = ''] = /^token\s+(\S+)\s*$/.exec(header ?? '') ?? [];
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(said), hash(token));
}

function keyOf(path: string): string | undefined {
  try {
    return cleanKey(decodeURIComponent(path));
  } catch {
    return undefined;
  }
}

const TOO_LARGE = 'The body is too large';

/** The JSON object in the body; a text says what is wrong with it. */
async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown> | string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) return TOO_LARGE;
    chunks.push(chunk);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {};
  } catch (err) {
    return `Body not valid JSON: ${(err as Error).message}`;
  }
}
