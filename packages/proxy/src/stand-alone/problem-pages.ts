import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { Log } from '@atrium/sdk';
import type { StandAlone } from '../context.ts';
import { type Problem, problemAnswer } from '../error-page.ts';
import { parseTarget, type TargetTls } from './target.ts';

/** How long whoever writes the pages may take, and how much that may be. */
const FETCH_MS = 10_000;
const MAX_PAGE = 1024 * 1024;

export interface ProblemPagesOptions {
  /** Asked for `<target>/<status>?url=<path>`. */
  errorTarget: string | undefined;
  /** A folder with `404.html`, `503.html`, and `error.html` for everything else. */
  errorPath: string | undefined;
  tls: TargetTls;
  log: Log;
}

interface Page {
  type: string;
  encoding?: string | undefined;
  body: Buffer;
}

/** Answers for what the proxy cannot pass on: the page of the error target or folder, else its own. */
export function problemPages(options: ProblemPagesOptions): StandAlone['problemAnswer'] {
  const { errorTarget, errorPath, log } = options;
  return async (problem, head, requestId, close) => {
    const status = statusOf(problem);
    let page: Page | undefined;
    if (!head.upgrade && status !== 400) {
      try {
        if (errorTarget !== undefined) page = await fetched(options, errorTarget, status, head.target);
        else if (errorPath !== undefined) page = await fromFolder(errorPath, status);
      } catch (err) {
        log.error({ err, status }, 'no page for a problem could be had; the own one is shown');
      }
    }
    log.info({ status, method: head.method, path: head.target.split('?', 1)[0], code: problem.code }, 'not passed on');
    if (!page) return problemAnswer({ ...problem, status }, head, requestId, '', close());
    const encoding = page.encoding === undefined ? '' : `Content-Encoding: ${page.encoding}\r\n`;
    const fields =
      `Content-Type: ${page.type}\r\n${encoding}Content-Length: ${page.body.length}\r\n` +
      `Date: ${new Date().toUTCString()}\r\n${close() ? 'Connection: close\r\n' : ''}`;
    const start = Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields}\r\n`, 'latin1');
    return head.method === 'HEAD' ? start : Buffer.concat([start, page.body]);
  };
}

/** configurable-http-proxy knows one status for a server that does not do its part, and JupyterHub a page for it. */
function statusOf({ status }: Problem): number {
  return status === 502 || status === 504 ? 503 : status;
}

async function fetched({ tls }: ProblemPagesOptions, errorTarget: string, status: number, url: string): Promise<Page> {
  const { address, place } = parseTarget(errorTarget, tls);
  const where = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  const query = new URLSearchParams(place.query);
  query.set('url', url);
  const options = {
    ...where,
    ...address.tls?.options,
    path: `${place.path}/${status}?${query}`,
    headers: { host: place.authority },
    agent: false,
    signal: AbortSignal.timeout(FETCH_MS),
  } as const;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = place.secure ? httpsRequest(options, resolve) : httpRequest(options, resolve);
    call.on('error', reject).end();
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_PAGE) throw new Error('the page of the error target is too large');
    chunks.push(chunk);
  }
  const { 'content-type': type = 'text/html', 'content-encoding': encoding } = answer.headers;
  return { type, encoding, body: Buffer.concat(chunks) };
}

async function fromFolder(folder: string, status: number): Promise<Page> {
  const body = await readFile(join(folder, `${status}.html`)).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOENT') throw err;
    return readFile(join(folder, 'error.html'));
  });
  return { type: 'text/html', body };
}
