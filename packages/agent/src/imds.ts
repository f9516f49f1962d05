import { AgentError } from './errors.ts';
import { call, openLine } from './http.ts';

/** The instance metadata service, version 2 only: every read carries a token that a PUT gave out. */
export interface Imds {
  /** Undefined when there is no such entry. */
  read(path: string): Promise<string | undefined>;
  /** The identity document and its RSA-2048 signature (PKCS#7, base64 without header lines). */
  identity(): Promise<{ document: string; pkcs7: string }>;
  /** What is about to happen to a spot instance, when the notice is out. `at` in ms. */
  spotNotice(): Promise<{ action: string; at: number } | undefined>;
}

const TOKEN_SECONDS = 21_600;
const TIMEOUT_MS = 2000;

/** A client for one endpoint, such as http://169.254.169.254. Its calls reject when the service does not answer. */
export function imdsClient(endpoint: string): Imds {
  const base = endpoint.replace(/\/+$/, '');
  const line = openLine();
  let token: Promise<string> | undefined;

  const newToken = async (): Promise<string> => {
    const answer = await call({
      method: 'PUT',
      url: `${base}/latest/api/token`,
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) },
      timeoutMs: TIMEOUT_MS,
      line,
    });
    if (answer.status !== 200) throw new AgentError(`The metadata service refused a token (${answer.status}).`);
    return answer.body;
  };

  const read = async (path: string, again = true): Promise<string | undefined> => {
    token ??= newToken();
    const held = token;
    const { status, body } = await held
      .then((value) =>
        call({
          method: 'GET',
          url: `${base}/latest/${path}`,
          headers: { 'x-aws-ec2-metadata-token': value },
          timeoutMs: TIMEOUT_MS,
          line,
        }),
      )
      .catch((error) => {
        if (token === held) token = undefined;
        throw error;
      });
    if (status === 200) return body;
    if (status === 404) return undefined;
    // The token ran out: after six hours, or while the machine was hibernated.
    if (status === 401 && again) {
      if (token === held) token = undefined;
      return read(path, false);
    }
    throw new AgentError(`The metadata service answered ${status} to ${path}.`);
  };

  return {
    read,
    async identity() {
      const [document, pkcs7] = await Promise.all([
        read('dynamic/instance-identity/document'),
        read('dynamic/instance-identity/rsa2048'),
      ]);
      if (!document || !pkcs7) throw new AgentError('The metadata service has no identity document.');
      return { document, pkcs7 };
    },
    async spotNotice() {
      const text = await read('meta-data/spot/instance-action');
      if (text === undefined) return undefined;
      const { action, time } = JSON.parse(text) as { action?: unknown; time?: unknown };
      const at = Date.parse(String(time));
      if (typeof action !== 'string' || Number.isNaN(at)) throw new AgentError('The spot notice is unreadable.');
      return { action, at };
    },
  };
}
