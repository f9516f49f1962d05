import { request } from 'node:http';
import { request as secureRequest } from 'node:https';

export interface RawRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** Where to connect, and how to speak TLS there. */
export interface Door {
  port?: number;
  socketPath?: string;
  tls?: { ca: Buffer; key?: Buffer; cert?: Buffer };
}

/** One request on a connection of its own, its path as it is. */
export function askRaw(
  { port, socketPath, tls }: Door,
  { method = 'GET', path = '/', headers, body }: RawRequest,
): Promise<RawAnswer> {
  const where = socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath };
  const own = { 'Content-Length': String(Buffer.byteLength(body ?? '')), ...headers };
  const options = {
    ...where,
    ...(tls && { ...tls, servername: 'localhost' }),
    method,
    path,
    headers: method === 'GET' ? headers : own,
    agent: false,
    timeout: 20_000,
  };
  return new Promise((resolve, reject) => {
    const call = (tls ? secureRequest : request)(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error(`${method} ${path} had no answer in time`)));
    call.on('error', reject).end(body);
  });
}
