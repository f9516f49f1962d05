import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IdentityAuthority } from '../identity/index.ts';
import type { MachineFacts } from './machine-facts.ts';
import { ImdsTokens } from './tokens.ts';
import { readTree, treeOf } from './tree.ts';

export type { MachineFacts, RoleCredentials } from './machine-facts.ts';

export interface ImdsOptions {
  clock: { now(): number };
  authority: IdentityAuthority;
  /** The machine as it is now; undefined when it is gone. */
  facts(): MachineFacts | undefined;
  /** A loopback address of this machine's own. */
  address: string;
}

export interface Imds extends AsyncDisposable {
  /** What AWS_EC2_METADATA_SERVICE_ENDPOINT names. */
  endpoint: string;
}

/** The instance metadata service of one machine, version 2; version 1 only where the machine allows it. */
export async function startImds(options: ImdsOptions): Promise<Imds> {
  const tokens = new ImdsTokens(options.clock);
  const server = createServer((request, response) => {
    answer(options, tokens, request, response).catch((cause: unknown) => response.destroy(cause as Error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, options.address, resolve);
  });
  // A machine that nobody ends must not keep a test's process alive.
  server.unref();
  return {
    endpoint: `http://${options.address}:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  options: ImdsOptions,
  tokens: ImdsTokens,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const facts = options.facts();
  if (!facts?.on) return void response.destroy();
  const send = (status: number, body = '', headers: Record<string, string> = {}): void =>
    void response.writeHead(status, { 'content-type': 'text/plain', server: 'EC2ws', ...headers }).end(body);
  if (!facts.endpointEnabled) return send(403);

  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://imds').pathname);
  if (path === '/latest/api/token') {
    if (request.method !== 'PUT') return send(405);
    // A proxy that forwards requests must not fetch tokens for somebody else.
    if (request.headers['x-forwarded-for'] !== undefined) return send(403);
    const ttl = request.headers['x-aws-ec2-metadata-token-ttl-seconds'] as string | undefined;
    const token = tokens.issue(ttl);
    return token === undefined ? send(400) : send(200, token, { 'x-aws-ec2-metadata-token-ttl-seconds': String(ttl) });
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405);

  const token = request.headers['x-aws-ec2-metadata-token'] as string | undefined;
  if (token === undefined ? facts.tokens === 'required' : !tokens.isValid(token)) return send(401);
  const inside = /^\/(?:latest|\d{4}-\d{2}-\d{2})\/(.*)$/.exec(path)?.[1];
  const text =
    inside === undefined ? undefined : await readTree(treeOf(facts, options.authority, options.clock.now()), inside);
  return text === undefined ? send(404) : send(200, text);
}
