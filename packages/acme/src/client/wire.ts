import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { Words } from '../settings.ts';
import { AcmeProblem } from './problem.ts';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;

export interface WireAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Wire {
  /** PEM of further authorities that the directory's own certificate may come from. */
  ca: string | undefined;
  words: Pick<Words, 'ca'>;
  signal: AbortSignal;
}

/**
 * One request to an ACME server, always by https.
 * @param body JSON of a signed request, or undefined for GET and HEAD
 * @throws AcmeProblem when nothing answers
 */
export function ask(wire: Wire, method: 'GET' | 'HEAD' | 'POST', url: string, body?: string): Promise<WireAnswer> {
  const { ca, words, signal } = wire;
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      if (signal.aborted) return reject(signal.reason);
      reject(new AcmeProblem(`${where(url)} cannot be reached: ${reasonOf(cause, words)}`, { cause }));
    };
    let target: URL;
    try {
      target = new URL(url);
    } catch {
      return reject(new AcmeProblem(`The ACME server named an address that is none: ${url.slice(0, 200)}`));
    }
    if (target.protocol !== 'https:') return reject(new AcmeProblem(`${where(url)} is not reached by https.`));
    const headers = {
      'user-agent': 'atrium',
      'accept-language': 'en',
      ...(body !== undefined && { 'content-type': 'application/jose+json', 'content-length': Buffer.byteLength(body) }),
    };
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const options = { method, headers, agent: false as const, signal: timeout };
    const call = request(
      target,
      { ...options, ...(ca !== undefined && { ca: [...getCACertificates(), ca] }) },
      (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_BYTES) answer.destroy(new Error('it answered without end'));
          else chunks.push(chunk);
        });
        answer.on('error', failed);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    call.on('error', failed);
    call.end(body);
  });
}

/** The server of an address, for sentences. */
export function where(url: string): string {
  return URL.canParse(url) ? `The ACME server ${new URL(url).host}` : 'The ACME server';
}

function reasonOf({ code, message }: NodeJS.ErrnoException, words: Wire['words']): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'its name is not known here. Is the directory right, and DNS working?';
  if (code === 'ECONNREFUSED') return 'nothing listens there. Is the directory right?';
  if (code === 'ABORT_ERR' || code === 'ETIMEDOUT') return 'it does not answer. Does a firewall stand in the way?';
  if (code !== undefined && /CERT|SELF_SIGNED|ISSUER|SIGNATURE/.test(code)) {
    return `its certificate is not trusted (${code}). With an authority of your own, say whose it is: ${words.ca}`;
  }
  return message;
}
