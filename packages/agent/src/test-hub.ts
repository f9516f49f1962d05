import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Authority } from './test-identity.ts';

/** A server that waits for its machine. */
export interface Expected {
  instanceId: string;
  user: string;
  login: string;
  uid: number;
  address: string;
  port: number;
  command: string[];
  home: { volume: string; fresh: boolean; device?: string; sizeGb: number } | null;
  env?: Record<string, string>;
  leaseMs?: number;
  hardStopAfterMs?: number;
  maxSessionMs?: number;
  heartbeatSeconds?: number;
  /** How many times the hub says "wait" before it gives anything. */
  waits?: number;
}

export interface Seen {
  verb: string;
  instanceId: string;
  body: Record<string, unknown>;
  at: number;
}

export interface TestHub extends AsyncDisposable {
  url: string;
  calls: Seen[];
  /** Calls that a correct agent does not make. */
  violations: string[];
  expect(server: Expected): void;
  /** Hands a task out with every heartbeat until it is told. */
  give(instanceId: string, task: { id: string; kind: string; [key: string]: unknown }): void;
  done: Map<string, { ok: boolean; message?: string }>;
  tokens: Map<string, { user: string; server: string }>;
  forget(instanceId: string): void;
  /** What the listener does with calls: answers, drops the connection, or answers nonsense. */
  mode: 'well' | 'dead' | 'junk' | 'late';
  of(instanceId: string, verb: string): Seen[];
}

/** What one call told: what was said meanwhile comes first. */
export function stepsOf(body: Record<string, unknown>): { percent: number; message: string }[] {
  const { earlier = [], percent, message } = body as { earlier?: []; percent: number; message: string };
  return [...earlier, { percent, message }];
}

/** A hub's side of the worker protocol with its checks, and the little of the REST API that a notebook server asks. */
export async function startTestHub(
  authority: Authority,
  now: () => number,
  tls?: { key: string; cert: string },
): Promise<TestHub> {
  const servers = new Map<string, Expected>();
  const nonces = new Map<string, string>();
  const sessions = new Map<string, string>();
  const tasks = new Map<string, { id: string }[]>();
  const waits = new Map<string, number>();
  const tokens: TestHub['tokens'] = new Map();

  const hub: Omit<TestHub, 'url' | keyof AsyncDisposable> = {
    calls: [],
    violations: [],
    done: new Map(),
    tokens,
    mode: 'well',
    expect: (server) => void servers.set(server.instanceId, server),
    give: (id, task) => void tasks.set(id, [...(tasks.get(id) ?? []), task]),
    forget(id) {
      for (const [session, owner] of sessions) if (owner === id) sessions.delete(session);
    },
    of: (id, verb) => hub.calls.filter((call) => call.instanceId === id && call.verb === verb),
  };

  const hello = async (body: Record<string, unknown>, peer: string): Promise<[number, object]> => {
    const { document, pkcs7, nonce, bootId } = body;
    if (typeof nonce !== 'string' || !/^[0-9a-f]{32}$/.test(nonce)) return [400, { message: 'nonce' }];
    const inside = await authority.verify(String(pkcs7)).catch(() => undefined);
    if (inside === undefined || inside !== document) return [403, { message: 'not recognised' }];
    const { instanceId, privateIp } = JSON.parse(inside) as { instanceId: string; privateIp: string };
    const server = servers.get(instanceId);
    hub.calls.push({ verb: 'hello', instanceId, body, at: now() });
    if (!server || privateIp !== peer) return [403, { message: 'not recognised' }];
    const boot = `${instanceId} ${bootId}`;
    if ((nonces.get(boot) ?? nonce) !== nonce) {
      hub.violations.push(`${instanceId}: another nonce for one boot`);
      return [403, { message: 'not recognised' }];
    }
    nonces.set(boot, nonce);
    const waited = waits.get(instanceId) ?? 0;
    if (waited < (server.waits ?? 0)) {
      waits.set(instanceId, waited + 1);
      return [202, { wait: 1, message: 'attaching the disk' }];
    }
    hub.forget(instanceId);
    for (const [token, { server: owner }] of tokens) if (owner === instanceId) tokens.delete(token);
    const session = randomBytes(24).toString('base64url');
    const token = randomUUID();
    sessions.set(session, instanceId);
    tokens.set(token, { user: server.user, server: instanceId });
    const prefix = `/user/${encodeURIComponent(server.user)}/`;
    const {
      leaseMs = 1_800_000,
      hardStopAfterMs = 43_200_000,
      maxSessionMs = 86_400_000,
      heartbeatSeconds = 30,
    } = server;
    return [
      200,
      {
        session,
        server: { id: instanceId, generation: 1, user: server.user, name: '', prefix },
        uid: server.uid,
        login: server.login,
        port: server.port,
        env: {
          JUPYTERHUB_API_TOKEN: token,
          JUPYTERHUB_SERVICE_URL: `http://${server.address}:${server.port}${prefix}`,
          JUPYTERHUB_SERVICE_PREFIX: prefix,
          JUPYTERHUB_API_URL: `${url()}hub/api`,
          JUPYTERHUB_BASE_URL: '/',
          JUPYTERHUB_USER: server.user,
          JUPYTERHUB_CLIENT_ID: `jupyterhub-user-${server.user}`,
          JUPYTERHUB_OAUTH_CALLBACK_URL: `${prefix}oauth_callback`,
          JUPYTERHUB_OAUTH_ACCESS_SCOPES: JSON.stringify([`access:servers!server=${server.user}/`]),
          JUPYTERHUB_OAUTH_SCOPES: JSON.stringify([`access:servers!server=${server.user}/`]),
          ...server.env,
        },
        command: server.command,
        bind: server.address,
        home: server.home,
        heartbeatSeconds,
        leaseUntil: now() + leaseMs,
        hardStopAfterMs,
        maxSessionMs,
        serverNow: now(),
        studentRoot: false,
      },
    ];
  };

  const worker = async (verb: string, body: Record<string, unknown>, peer: string): Promise<[number, object]> => {
    if (verb === 'hello') return hello(body, peer);
    const instanceId = sessions.get(String(body.session));
    if (instanceId === undefined) return [403, { message: 'not recognised' }];
    const server = servers.get(instanceId)!;
    if (server.address !== peer) return [403, { message: 'not recognised' }];
    hub.calls.push({ verb, instanceId, body, at: now() });
    if (verb === 'step') return [200, {}];
    if (verb === 'task') {
      const id = String(body.id);
      if (hub.done.has(id)) hub.violations.push(`task ${id} was told twice`);
      hub.done.set(id, body as { ok: boolean; message?: string });
      tasks.set(
        instanceId,
        (tasks.get(instanceId) ?? []).filter((task) => task.id !== id),
      );
      return [200, {}];
    }
    if (verb !== 'heartbeat') return [404, { message: 'no such verb' }];
    return [
      200,
      { leaseUntil: now() + (server.leaseMs ?? 1_800_000), serverNow: now(), tasks: tasks.get(instanceId) ?? [] },
    ];
  };

  /** GET {hub}/api/user, what a notebook server asks about a token it is shown. */
  const rest = (request: IncomingMessage): [number, object] => {
    if (request.url?.endsWith('/activity')) return [200, {}];
    const [, token = ''] = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const owner = tokens.get(token);
    if (request.url?.endsWith('/hub/api/user'))
      return owner
        ? [
            200,
            {
              kind: 'user',
              name: owner.user,
              admin: false,
              groups: [],
              scopes: [`access:servers!server=${owner.user}/`],
            },
          ]
        : [403, { message: 'no such token' }];
    return [200, { version: '6.1.1' }];
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (hub.mode === 'dead') return request.socket.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const [, verb] = /\/hub\/api\/atrium\/workers\/(\w+)$/.exec(request.url ?? '') ?? [];
    if (verb && hub.mode === 'junk') return response.writeHead(200).end('<html>not json</html>');
    if (verb && hub.mode === 'late') return response.writeHead(503).end('{"message":"later"}');
    if (verb && request.method !== 'POST') hub.violations.push(`${request.method} ${request.url}`);
    const peer = request.socket.remoteAddress ?? '';
    const [status, body] = verb ? await worker(verb, JSON.parse(text) as Record<string, unknown>, peer) : rest(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error) => {
      hub.violations.push(String(error));
      response.destroy();
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = () => `http${tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  return Object.assign(hub, {
    url: `${url()}hub/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
