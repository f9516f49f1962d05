import type { Up } from '../../packages/atrium/src/testing/cli.ts';
import { type ApiClient, administrator, apiClient } from '../lib/api-client.ts';
import { testCli } from '../lib/hub.ts';

const SERVICE_TOKEN = 'the-token-of-the-robot';

/**
 * Starts take a moment and few go on at once, so that servers are met in every phase. The API does not wait for them
 * (contract §3.7: "slow_spawn_timeout 0 makes 202 immediate"), so a start that fails is no answer of status 500.
 */
const CONFIG = `
import { defineConfig, echoSpawner, secret } from 'atrium';
export default defineConfig({
  port: 0,
  spawner: echoSpawner({ startMs: 700, failFor: ['fran'] }),
  access: { allowExistingUsers: true },
  start: { slow: 0, concurrency: 2 },
  groups: { class: { users: ['bob', 'cyd'] } },
  services: [
    { name: 'robot', apiToken: secret.env('ROBOT_TOKEN') },
    { name: 'grader', url: 'http://127.0.0.1:9' },
  ],
  roles: [
    {
      name: 'instructor',
      users: ['iris'],
      scopes: [
        'list:users!group=class', 'read:users!group=class', 'servers!group=class', 'tokens!group=class',
        'groups!group=class', 'shares!group=class', 'users:activity!group=class', 'admin:auth_state!user=bob',
      ],
    },
    {
      name: 'robot',
      services: ['robot'],
      scopes: [
        'list:users', 'read:users:activity', 'read:servers', 'start:servers', 'delete:servers!group=class',
        'admin:groups', 'list:services', 'read:hub', 'read:metrics', 'proxy', 'read:shares', 'tokens!user=bob',
      ],
    },
  ],
});
`;

/** Who asks. Nobody's token is without scopes. */
export type Role = 'administrator' | 'person' | 'instructor' | 'service' | 'visitor';

export interface World extends AsyncDisposable {
  up: Up;
  api: ApiClient;
  dataDir: string;
  tokens: Readonly<Record<Role, string>>;
  /** Must not be deleted while somebody asks by them. */
  keptUsers: readonly string[];
  keptTokens: readonly string[];
}

/** A hub with people in and out of a group, servers that run, start, wait, failed and never were, shares, and tokens. */
export async function startWorld(): Promise<World> {
  const cli = testCli(CONFIG, { ROBOT_TOKEN: SERVICE_TOKEN });
  const root = await administrator(cli, 'root');
  const up = await cli.up();
  const api = apiClient(up, root);
  const must = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const reply = await api(method, path, body);
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path} answers ${reply.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const made: string[] = [];
  const tokenOf = async (name: string, scopes: string[]) => {
    const { id, token } = (await must('POST', `/users/${name}/tokens`, { scopes })) as { id: string; token: string };
    made.push(id);
    return token;
  };
  await must('POST', '/users', { usernames: ['ada', 'bob', 'cyd', 'eve', 'fran', 'vera', 'iris', 'müller@uni'] });
  await must('POST', '/groups/others', { users: ['eve', 'vera'] });
  for (const path of [
    'ada/servers/thesis',
    'ada/server',
    'bob/server',
    'cyd/servers/lab',
    'fran/server',
    'eve/server',
  ]) {
    await must('POST', `/users/${path}`);
  }
  await must('PUT', '/users/ada/servers/never-started', { display_name: 'Never started' });
  const read = { scopes: ['access:servers!server=ada/thesis'] };
  await must('POST', '/shares/ada/thesis', { ...read, user: 'vera' });
  await must('POST', '/shares/ada/thesis', { ...read, group: 'class' });
  await must('POST', '/share-codes/ada/thesis', read);
  const tokens = {
    administrator: root,
    person: await tokenOf('ada', ['inherit']),
    instructor: await tokenOf('iris', ['inherit']),
    service: SERVICE_TOKEN,
    visitor: await tokenOf('vera', [
      'read:users!user',
      'read:servers!user',
      'users:shares!user',
      'access:servers!server=ada/thesis',
    ]),
  };
  const self = (await must('GET', '/user')) as { token_id: string };
  return {
    up,
    api,
    dataDir: cli.places.dataDir,
    tokens,
    keptUsers: ['root', 'ada', 'iris', 'vera'],
    keptTokens: [self.token_id, ...made],
    [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose](),
  };
}
