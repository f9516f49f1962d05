import { createHash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { keptValue } from './fields.ts';
import type { RequestHead } from './head.ts';

/** What the proxy itself has to say to a person: title, what happened, whether anything was lost, what to do. */
export interface Problem {
  status: number;
  code: string;
  title: string;
  text: string;
  advice: string;
  /** Seconds after which another try makes sense. */
  retryAfter?: number;
}

const problem = (status: number, code: string, title: string, text: string, advice: string, retryAfter?: number) =>
  ({ status, code, title, text, advice, ...(retryAfter === undefined ? {} : { retryAfter }) }) satisfies Problem;

const SAVED = 'Files that were saved are safe.';
const TELL = 'Try again in a moment. If this lasts, tell your administrator.';
const OPEN_HOME = 'Try again, or open your servers and start it from there.';

/** Everything that can go wrong between a browser and what it asks for. */
export const PROBLEMS = {
  badRequest: problem(
    400,
    'bad_request',
    'This request cannot be read',
    'The request is malformed, or could be read in two ways. Nothing was done.',
    'Check the address. If a program made this request, it must follow HTTP/1.1.',
  ),
  timeout: problem(
    408,
    'request_timeout',
    'The request took too long to arrive',
    'The connection was too slow or broke off. Nothing was done.',
    'Try again.',
  ),
  notOffered: problem(
    405,
    'method_not_allowed',
    'This method is not offered',
    'The request uses a method that is not offered here. Nothing was done.',
    'Use another method.',
  ),
  expectation: problem(
    417,
    'expectation_failed',
    'This expectation cannot be met',
    'The request expects something that is not offered here. Nothing was done.',
    'Send the request without its Expect field.',
  ),
  headTooLarge: problem(
    431,
    'head_too_large',
    'The request is too large',
    'The address or the cookies of this request are larger than is accepted. Nothing was done.',
    'Delete the cookies of this site in your browser and try again.',
  ),
  version: problem(
    505,
    'http_version',
    'This HTTP version is not spoken here',
    'The request uses a version of HTTP other than 1.0 and 1.1. Nothing was done.',
    'Use HTTP/1.1.',
  ),
  notFound: problem(
    404,
    'not_found',
    'There is nothing here',
    'Nothing is offered at this address.',
    'Check the address.',
  ),
  hubGone: problem(
    503,
    'hub_unavailable',
    'The hub is not answering',
    `Signing in and starting servers do not work at the moment. Servers that run go on running. ${SAVED}`,
    'Try again in a moment. If this lasts, tell your administrator.',
    5,
  ),
  hubBroke: problem(
    502,
    'hub_broke_off',
    'The hub broke off its answer',
    'The hub stopped while it was answering. What you asked for may or may not have been done.',
    'Look whether it was done before you try again.',
    1,
  ),
  serverGone: problem(
    503,
    'server_unreachable',
    'Your server does not answer',
    `The server of this page does not answer. It may just be starting, or may have stopped. ${SAVED}`,
    OPEN_HOME,
    2,
  ),
  serverBroke: problem(
    502,
    'server_broke_off',
    'Your server broke off its answer',
    `The server of this page stopped while it was answering. What you asked for may or may not have been done. ${SAVED}`,
    OPEN_HOME,
  ),
  serverMalformed: problem(
    502,
    'server_malformed',
    'Your server gave an answer that cannot be read',
    `What answers at this address does not follow HTTP/1.1. ${SAVED}`,
    'If you run an application of your own there, look at its log.',
  ),
  serverSlow: problem(
    504,
    'server_timeout',
    'Your server takes too long to answer',
    `The server of this page was asked and has not answered in time. ${SAVED}`,
    OPEN_HOME,
  ),
  serviceGone: problem(
    503,
    'service_unreachable',
    'This service does not answer',
    'What is offered here may just be starting, or may have stopped.',
    TELL,
    2,
  ),
  serviceBroke: problem(
    502,
    'service_broke_off',
    'This service broke off its answer',
    'What is offered here stopped while it was answering. What you asked for may or may not have been done.',
    'Look whether it was done before you try again.',
  ),
  serviceMalformed: problem(
    502,
    'service_malformed',
    'This service gave an answer that cannot be read',
    'What answers at this address does not follow HTTP/1.1.',
    TELL,
  ),
  serviceSlow: problem(
    504,
    'service_timeout',
    'This service takes too long to answer',
    'What is offered here was asked and has not answered in time.',
    TELL,
  ),
} as const satisfies Record<string, Problem>;

/** The same where it is not somebody's own server that does not do its part, but a service of the institution. */
const OF_SERVICES: ReadonlyMap<Problem, Problem> = new Map<Problem, Problem>([
  [PROBLEMS.serverGone, PROBLEMS.serviceGone],
  [PROBLEMS.serverBroke, PROBLEMS.serviceBroke],
  [PROBLEMS.serverMalformed, PROBLEMS.serviceMalformed],
  [PROBLEMS.serverSlow, PROBLEMS.serviceSlow],
]);

/** In the words for whoever should have answered. */
export function problemWith(problem: Problem, who: 'hub' | 'server' | 'service'): Problem {
  const ofService = OF_SERVICES.get(problem);
  if (!ofService || who === 'server') return problem;
  return who === 'service' ? ofService : PROBLEMS.hubBroke;
}

/** The problem for a status with which a request was refused. */
export function problemOf(status: number): Problem {
  return Object.values(PROBLEMS).find((candidate) => candidate.status === status) ?? PROBLEMS.badRequest;
}

const STYLE = `:root{color-scheme:light dark;--text:#1c2128;--quiet:#57606a;--page:#fff;--accent:#0b5cad}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--quiet:#9aa4af;--page:#12161c;--accent:#6cb2ff}}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:40rem;margin:0 auto;padding:4rem 1.25rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
a{color:var(--accent)}a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.do{display:flex;flex-wrap:wrap;gap:1.5rem;margin:1.5rem 0}.id{color:var(--quiet);font-size:.875rem;overflow-wrap:anywhere}`;

/** The page's only style is named by its hash, so nothing else can be let in through it. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/**
 * The whole answer for a problem: JSON for programs, a page for people, a bare status line for a websocket.
 * @param head or, when it could not be read, what to answer with
 * @param homePath of the page with a person's servers; empty when there is none
 */
export function problemAnswer(
  problem: Problem,
  head: RequestHead | 'page' | 'json',
  requestId: string,
  homePath: string,
  close: boolean,
): string {
  const { status } = problem;
  const statusLine = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`;
  const connection = close ? 'Connection: close\r\n' : '';
  const retry = problem.retryAfter === undefined ? '' : `Retry-After: ${problem.retryAfter}\r\n`;
  // What the place behind would take, nobody has asked; these get through (RFC 9110 §15.5.6 wants some).
  const more = status === 405 ? 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n' : retry;
  const read = typeof head === 'object' ? head : undefined;
  if (read?.upgrade) return `${statusLine}${more}Content-Length: 0\r\n${connection}\r\n`;

  const json = read ? wantsJson(read) : head === 'json';
  const body = json ? jsonBody(problem, requestId) : htmlBody(problem, requestId, read, homePath);
  const type = json ? 'application/json' : `text/html; charset=utf-8\r\nContent-Security-Policy: ${POLICY}`;
  const fields =
    `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\n` +
    `X-Content-Type-Options: nosniff\r\nX-Request-Id: ${requestId}\r\nDate: ${new Date().toUTCString()}\r\n`;
  return `${statusLine}${fields}${more}${connection}\r\n${read?.method === 'HEAD' ? '' : body}`;
}

function jsonBody({ status, code, text, advice }: Problem, requestId: string): string {
  return JSON.stringify({ status, message: `${text} ${advice}`, code, request_id: requestId });
}

function htmlBody(problem: Problem, requestId: string, head: RequestHead | undefined, homePath: string): string {
  const again = head?.method === 'GET' ? '<a href="">Try again</a>' : '';
  const home =
    homePath === ''
      ? ''
      : `<a href="${homePath.replace(/[&"<>]/g, (char) => `&#${char.charCodeAt(0)};`)}">Your servers</a>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${problem.title}</title><style>${STYLE}</style></head>
<body><main><h1>${problem.title}</h1><p>${problem.text}</p><p>${problem.advice}</p>
<p class="do">${again}${home}</p>
<p class="id">For your administrator: ${problem.code}, request ${requestId}</p></main></body></html>
`;
}

/** As the hub decides it (contract §5.4): a path with an `api` segment, or an Accept that prefers JSON. */
function wantsJson({ target, fields }: RequestHead): boolean {
  if (/^[^?]*\/api(?:[/?]|$)/.test(target)) return true;
  const accept = keptValue(fields.kept, 'accept') ?? '';
  return quality(accept, 'application/json') > quality(accept, 'text/html');
}

/** The weight an Accept field gives a type by name; 0 when it does not name it. */
function quality(accept: string, type: string): number {
  const item = accept.split(',').find((candidate) => candidate.split(';')[0]!.trim().toLowerCase() === type);
  if (item === undefined) return 0;
  const weight = /;\s*q=([0-9.]+)/i.exec(item);
  return weight ? Number(weight[1]) : 1;
}
