import type { RequestOptions } from 'node:https';

/** One small call. Bodies are text; `limit` bytes of answer are read at most. */
export interface Call {
  method: 'GET' | 'PUT' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  timeoutMs: number;
  limit?: number;
  signal?: AbortSignal | undefined;
  /** Address of this machine that the call leaves from. */
  from?: string | undefined;
  tls?: { ca: string } | undefined;
}

export interface Answer {
  status: number;
  body: string;
}

const LIMIT = 1 << 20;

/**
 * Makes the call over a connection of its own: calls are rare, and a kept connection would not survive hibernation.
 * Never follows a redirect. Rejects on network errors, on time-out and on an answer over the limit.
 */
export async function call({
  method,
  url,
  headers,
  body,
  timeoutMs,
  limit = LIMIT,
  signal,
  from,
  tls,
}: Call): Promise<Answer> {
  const secure = url.startsWith('https:');
  // Most machines speak to one kind only; the other module is not even loaded.
  const { request } = secure ? await import('node:https') : await import('node:http');
  const timeout = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = {
    method,
    agent: false,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    ...(from ? { localAddress: from } : {}),
    ...(tls ? { ca: tls.ca, allowPartialTrustChain: true } : {}),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > limit) return sent.destroy(new Error(`the answer is larger than ${limit} bytes`));
        chunks.push(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    sent.on('error', (error) =>
      reject(timeout.aborted && !signal?.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error),
    );
    sent.end(body);
  });
}
