import type { TestCli, Up } from '../../packages/atrium/src/testing/cli.ts';

/** Calls the REST API through the proxy as an administrator; repeats nothing. */
export type ApiClient = (method: string, path: string, body?: unknown) => Promise<Response>;

/** What the API says of a server, as far as tests read it. */
export interface ServerAnswer {
  ready: boolean;
  pending: 'spawn' | 'stop' | null;
  stopped: boolean;
  state: { phase?: string; generation?: number };
}

/** Makes the account `name` and a token of its own, before or while the hub runs. */
export async function administrator(cli: TestCli, name = 'ada'): Promise<string> {
  const added = await cli.run(['user', 'add', name, '--admin', '--password-stdin'], 'correct horse battery');
  if (added.code !== 0) throw new Error(added.err);
  return (await cli.json<{ token: string }>('token', name)).token;
}

export function apiClient(up: Up, token: string): ApiClient {
  return (method, path, body) =>
    fetch(new URL(`hub/api${path}`, up.url), {
      method,
      headers: {
        authorization: `token ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** The default servers of everybody, by user name. */
export async function serversOf(api: ApiClient): Promise<Map<string, ServerAnswer>> {
  const answer = await api('GET', '/users?limit=200&include_stopped_servers=1');
  if (answer.status !== 200) throw new Error(`GET /users answers ${answer.status}: ${await answer.text()}`);
  const users = (await answer.json()) as { name: string; servers?: Record<string, ServerAnswer> }[];
  return new Map(users.flatMap(({ name, servers }) => (servers?.[''] ? [[name, servers['']] as const] : [])));
}
