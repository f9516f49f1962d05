import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError } from './errors.ts';
import { statusOf } from './faults.ts';
import type { Service, ServiceCall, WireAnswer, WireRequest } from './services/index.ts';
import type { SimCore } from './sim.ts';

/** Most bytes of a request that are read; EC2's own limit is lower. */
const MAX_BODY = 2 ** 21;

/** Listens and hands each request to the service that its signature names. */
export async function listen(core: SimCore, services: Readonly<Record<string, Service>>, port = 0): Promise<Server> {
  const server = createServer((request, response) => {
    answer(core, services, request, response).catch((error: unknown) => {
      core.violate({
        kind: 'service',
        caller: '',
        action: request.url ?? '',
        message: `The simulator failed: ${String(error)}`,
      });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

export function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answer(
  core: SimCore,
  services: Readonly<Record<string, Service>>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(incoming);
  const requestId = randomUUID();
  const scope = /Credential=([^/,\s]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    String(request.headers.authorization ?? ''),
  );
  const name = scope?.[3] ?? 'ec2';
  const service = services[name];
  if (!service) {
    core.violate({ kind: 'service', caller: '', action: name, message: `The simulator has no service ${name}` });
    return send(response, { status: 404, body: '' }, requestId);
  }
  if (!scope) {
    const refused = new ApiError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
    return send(response, service.fail(refused, requestId), requestId);
  }
  const { result, dropped } = await serve(core, name, service, request, requestId, scope[1]!);
  if (dropped) response.destroy();
  else send(response, result, requestId);
}

async function serve(
  core: SimCore,
  name: string,
  service: Service,
  request: WireRequest,
  requestId: string,
  accessKeyId: string,
): Promise<{ result: WireAnswer; dropped: boolean }> {
  const caller = core.callers.of(accessKeyId);
  const started = { at: core.clock.now(), caller: caller.name, service: name };
  let dropped = false;
  let call: ServiceCall['call'] | undefined;
  try {
    const { action, params, mutating } = service.parse(request, caller);
    call = core.calls.add({ ...started, action, params, mutating, authorization: [] });
    const context: ServiceCall = { request, requestId, caller, action, params, call };
    for (const fault of core.faults.strike(name, action, params, caller.name)) {
      if (fault.delayMs) await core.clock.sleep(fault.delayMs);
      dropped ||= fault.dropResponse ?? false;
      if (fault.code)
        throw new ApiError(
          fault.code,
          fault.message ?? `Made to fail: ${fault.code}`,
          fault.status ?? statusOf(fault.code),
        );
    }
    call.authorization = service.authorize(context);
    if (!core.services().allows(caller, call.authorization)) {
      const [code, status] = name === 'ec2' ? ['UnauthorizedOperation', 403] : ['AccessDenied', 403];
      throw new ApiError(code as string, `You are not authorized to perform ${name}:${action}.`, status as number);
    }
    const result = await service.run(context);
    call.status = result.status;
    call.dropped = dropped;
    return { result, dropped };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    call ??= core.calls.add({
      ...started,
      action: new URLSearchParams(request.body).get('Action') ?? '',
      params: {},
      mutating: false,
      authorization: [],
    });
    call.status = error.status;
    call.code = error.code;
    call.dropped = dropped;
    return { result: service.fail(error, requestId), dropped };
  }
}

async function readRequest(incoming: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error(`A request of more than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return {
    method: incoming.method ?? 'GET',
    path: incoming.url ?? '/',
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

function send(response: ServerResponse, { status, headers, body }: WireAnswer, requestId: string): void {
  response.writeHead(status, { ...headers, 'x-amzn-requestid': requestId, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
