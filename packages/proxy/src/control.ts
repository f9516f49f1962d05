import { type IncomingMessage, request } from 'node:http';
import type { Address } from '@atrium/sdk';

/**
 * One request to the hub's internal socket. Not the data path, so Node's own client will do.
 * @returns the answer, whose body is still to be read; rejects for any status but 200 and 204, and with the signal
 */
export function openControl(
  address: Address,
  method: 'GET' | 'POST',
  path: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const where = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    const call = request({ ...where, method, path, signal, agent: false, headers: headersOf(body) }, (answer) => {
      if (answer.statusCode === 200 || answer.statusCode === 204) return resolve(answer);
      answer.destroy();
      reject(new Error(`the hub answered ${answer.statusCode} to ${method} ${path}`));
    });
    call.on('error', reject);
    call.end(body);
  });
}

function headersOf(body: string | undefined): Record<string, string | number> {
  const common = { host: 'hub', accept: 'application/x-ndjson, application/json' };
  if (body === undefined) return common;
  return { ...common, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
}
