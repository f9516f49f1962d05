import { request } from 'node:http';
import type { Address } from '@atrium/sdk';

export interface Reply {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

/** More than any answer we read; a server is hostile until shown otherwise. */
const MAX_BODY = 1024 * 1024;

/** One GET to a server, never following redirects. Rejects when it cannot be reached or takes too long. */
export function get(
  address: Address,
  path: string,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<Reply> {
  const target = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    const call = request(
      { ...target, path, headers: { host: 'localhost', connection: 'close', ...headers } },
      (reply) => {
        let body = '';
        reply.setEncoding('utf8');
        reply.on('data', (chunk: string) => {
          body += chunk;
          if (body.length > MAX_BODY) reply.destroy(new Error('The answer is too long.'));
        });
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body }));
        reply.on('error', reject);
      },
    );
    call.setTimeout(timeoutMs, () => call.destroy(new Error(`No answer within ${timeoutMs} ms.`)));
    call.on('error', reject);
    call.end();
  });
}
