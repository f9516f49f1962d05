import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the metadata service of one machine says. */
export interface ImdsFacts {
  address: string;
  document: string;
  pkcs7: string;
  lifeCycle: 'on-demand' | 'spot';
  notice?: { action: string; time: string } | undefined;
}

export interface TestImds extends AsyncDisposable {
  /** Endpoint for a machine; each has a path of its own, so that one listener serves hundreds. */
  endpoint(id: string, facts: ImdsFacts): string;
  /** Makes every token that was given out invalid, as six hours or a hibernation do. */
  dropTokens(): void;
}

/** A metadata service, version 2 only: a read without a token of its own is refused. */
export async function startTestImds(): Promise<TestImds> {
  const machines = new Map<string, ImdsFacts>();
  const tokens = new Set<string>();
  const server = createServer((request, response) => {
    const [, id = '', path = ''] = /^\/([^/]+)\/latest\/(.+)$/.exec(request.url ?? '') ?? [];
    const facts = machines.get(id);
    const answer = (status: number, body = '') => response.writeHead(status).end(body);
    if (!facts) return answer(404);
    if (request.method === 'PUT' && path === 'api/token') {
      const ttl = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (!(ttl >= 1 && ttl <= 21_600)) return answer(400);
      const token = `${id}:${randomUUID()}`;
      tokens.add(token);
      return answer(200, token);
    }
    const token = String(request.headers['x-aws-ec2-metadata-token']);
    if (!tokens.has(token) || !token.startsWith(`${id}:`)) return answer(401);
    const entries: Record<string, string | undefined> = {
      'dynamic/instance-identity/document': facts.document,
      'dynamic/instance-identity/rsa2048': facts.pkcs7,
      'meta-data/local-ipv4': facts.address,
      'meta-data/instance-life-cycle': facts.lifeCycle,
      'meta-data/spot/instance-action': facts.notice && JSON.stringify(facts.notice),
    };
    const entry = entries[path];
    return entry === undefined ? answer(404) : answer(200, entry);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint(id, facts) {
      machines.set(id, facts);
      return `http://127.0.0.1:${port}/${id}`;
    },
    dropTokens: () => tokens.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
