import type { Agent as PlainAgent } from 'node:http';
import type { RequestOptions, Agent as TlsAgent } from 'node:https';

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
  /** Keeps the connection for the next call; without, each call has one of its own. */
  line?: Line | undefined;
}

export interface Answer {
  status: number;
  body: string;
}

const LIMIT = 1 << 20;
/** The calls of a start come within moments of each other; between heartbeats there is no connection. */
const KEEP_MS = 3000;

/** A connection to one server that is kept for a few seconds: a class that starts at once need not shake hands anew for each step. */
export interface Line {
  agent(secure: boolean): Promise<PlainAgent | TlsAgent>;
}

export function openLine(): Line {
  let agent: Promise<PlainAgent | TlsAgent> | undefined;
  const make = async (secure: boolean) => {
    const { Agent } = secure ? await import('node:https') : await import('node:http');
    return new Agent({ keepAlive: true, timeout: KEEP_MS, maxSockets: 4 });
  };
  return {
    agent: (secure) => {
      agent ??= make(secure);
      return agent;
    },
  };
}

/**
 * Makes the call. Never follows a redirect. Rejects on network errors, on time-out and on an answer over the limit; a
 * kept connection that turns out to be dead is replaced once.
 */
export async function call(wanted: Call): Promise<Answer> {
  try {
    return await once(wanted);
  } catch (error) {
    if (!(error instanceof DeadLine) || wanted.signal?.aborted) throw error;
    const { line: _, ...alone } = wanted;
    return once(alone);
  }
}

/** The other side had closed the kept connection before it read anything of the call. */
class DeadLine extends Error {}

async function once({
  method,
  url,
  headers,
  body,
  timeoutMs,
  limit = LIMIT,
  signal,
  from,
  tls,
  line,
}: Call): Promise<Answer> {
  const secure = url.startsWith('https:');
  // Most machines speak to one kind only; the other module is not even loaded.
  const { request } = secure ? await import('node:https') : await import('node:http');
  const timeout = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = {
    method,
    agent: (await line?.agent(secure)) ?? false,
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
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (timeout.aborted && !signal?.aborted) reject(new Error(`no answer within ${timeoutMs} ms`));
      else if (sent.reusedSocket && error.code === 'ECONNRESET') reject(new DeadLine(error.message));
      else reject(error);
    });
    sent.end(body);
  });
}
