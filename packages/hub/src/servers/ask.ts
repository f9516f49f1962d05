import { request } from 'node:http';
import type { Address } from '@atrium/sdk';

export interface Reply {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

/** More than any answer we read; a server is hostile until shown otherwise. */
const MAX_BODY = 1024 * 1024;

/**
 * One GET to a server, never following redirects. Rejects when it cannot be reached, when the whole answer takes too
 * long (a byte now and then is no answer), and when `signal` is aborted.
 */
export function get(
  address: Address,
  path: string,
  headers: Record<string, string>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Reply> {
  const target = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => call.destroy(new Error(`No answer within ${timeoutMs} ms.`)), timeoutMs);
    const fail = (error?: Error) => {
      clearTimeout(deadline);
      reject(error ?? new Error('The connection was closed.'));
    };
    const options = { ...target, path, headers: { host: 'localhost', connection: 'close', ...headers } };
    let answered = false;
    const call = request({ ...options, ...(signal && { signal }) }, (reply) => {
      answered = true;
      let body = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MAX_BODY) reply.destroy(new Error('The answer is too long.'));
      });
      reply.on('end', () => {
        clearTimeout(deadline);
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body });
      });
      reply.on('error', fail);
      reply.on('close', fail);
    });
    call.on('error', fail);
    // A switch of protocols that nobody asked for comes with neither an answer nor an error.
    call.on('close', () => !answered && fail());
    call.end();
  });
}
