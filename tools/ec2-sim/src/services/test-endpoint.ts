import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Service, type ServiceContext, serve } from './service.ts';

/** Time that stands still until a test moves it. */
export function handClock(start = Date.UTC(2026, 10, 21, 8)): { now(): number; advance(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

/** A context whose violations a test reads. */
export function testContext(): ServiceContext & { violations: string[]; clock: ReturnType<typeof handClock> } {
  const violations: string[] = [];
  return {
    clock: handClock(),
    region: 'us-east-1',
    accountId: '123456789012',
    consistencyMs: 5_000,
    violations,
    violation: (_kind, action, message) => void violations.push(`${action}: ${message}`),
  };
}

/** One service behind a real listener, with what an SDK client needs to reach it. */
export async function serviceEndpoint(service: Service) {
  const server = createServer(async (request, response) => {
    const caller = { accessKeyId: 'AKIATEST', arn: 'arn:aws:iam::123456789012:user/test' };
    const { method = 'GET', url: path = '/', headers } = request;
    const { reply } = serve(service, { caller, method, path, headers, body: await text(request) });
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    client: {
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
      maxAttempts: 1,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
