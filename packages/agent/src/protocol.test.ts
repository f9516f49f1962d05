import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';
import { parseBeat, parseSession } from './hub/protocol.ts';
import { countWrites } from './watch/api-work.ts';
import { judge } from './watch/lease.ts';
import { newestWork } from './watch/newest-work.ts';

const SESSION = {
  session: 'a-secret-of-the-hub',
  server: { id: 's1', generation: 2, user: 'Ada@example.org', name: '', prefix: '/user/ada/' },
  uid: 20_001,
  login: 'ada',
  port: 8888,
  env: { JUPYTERHUB_API_TOKEN: 'x' },
  command: ['jupyterhub-singleuser'],
  bind: '10.0.0.7',
  home: { volume: 'vol-0abc', fresh: true, sizeGb: 10 },
  heartbeatSeconds: 30,
  leaseUntil: 2000,
  hardStopAfterMs: 1,
  maxSessionMs: 1,
  serverNow: 1000,
  studentRoot: false,
};

test('an answer to hello is read as it was sent', () => {
  expect(parseSession(JSON.parse(JSON.stringify(SESSION)))).toEqual(SESSION);
  expect(parseSession({ ...SESSION, home: null }).home).toBeNull();
});

test.each([
  ['login', { login: 'root; rm -rf /' }],
  ['login', { login: '-x' }],
  ['login', { login: 'Ada' }],
  ['uid', { uid: 0 }],
  ['uid', { uid: '20001' }],
  ['port', { port: 70_000 }],
  ['command', { command: [] }],
  ['command', { command: ['a', 1] }],
  ['env.A B', { env: { 'A B': 'x' } }],
  ['env.A', { env: { A: 'x\0y' } }],
  ['volume', { home: { volume: '../../etc', fresh: true, sizeGb: 1 } }],
  ['bind', { bind: 'example.org/x' }],
  ['prefix', { server: { ...SESSION.server, prefix: 'http://elsewhere/' } }],
  ['leaseUntil', { leaseUntil: Number.NaN }],
  ['leaseUntil', { leaseUntil: 1e300 }],
  ['session', { session: 'short' }],
])('an answer to hello with a bad %s is refused', (key, change) => {
  expect(() => parseSession({ ...SESSION, ...change })).toThrow(`"${key}"`);
});

test.each([null, [], 'x', 5, undefined])('%j is not an answer', (body) => {
  expect(() => parseSession(body)).toThrow('no usable "session"');
  expect(() => parseBeat(body)).toThrow('no usable "heartbeat"');
});

test('tasks: unknown kinds are left out, a folder outside the home is refused', () => {
  const beat = { leaseUntil: 1, serverNow: 1 };
  expect(
    parseBeat({
      ...beat,
      tasks: [
        { id: '1', kind: 'dance' },
        { id: '2', kind: 'grow' },
      ],
    }).tasks,
  ).toEqual([{ id: '2', kind: 'grow' }]);
  for (const into of ['../x', 'restored-/../..', '.ssh', 'restored-'])
    expect(() => parseBeat({ ...beat, tasks: [{ id: '1', kind: 'restore', volume: 'vol-1', into }] })).toThrow(
      '"into"',
    );
});

test('an open tab is not work; a busy kernel and a terminal that spoke are', () => {
  const open = { execution_state: 'idle', connections: 3, last_activity: '2026-01-01T00:00:00Z' };
  expect(newestWork(JSON.stringify([open]))).toEqual({ at: Date.parse('2026-01-01T00:00:00Z'), busy: false, count: 1 });
  expect(newestWork(JSON.stringify([{ ...open, execution_state: 'busy' }])).busy).toBe(true);
  expect(newestWork('[]')).toEqual({ at: undefined, busy: false, count: 0 });
  for (const junk of ['', '{}', '[null]', '<html>', '[{"last_activity":"yesterday"}]'])
    expect(newestWork(junk)).toMatchObject({ at: undefined, busy: false });
});

test('when a machine must go off', () => {
  const facts = { now: 1000, leaseUntil: 2000, sessionUntil: 10 ** 9, hardStopAfterMs: 10 ** 8, busy: false };
  expect(judge(facts)).toEqual({ go: 'on' });
  expect(judge({ ...facts, now: 2000 })).toEqual({ go: 'off', why: 'idle' });
  expect(judge({ ...facts, now: 2000, busy: true })).toEqual({ go: 'on' });
  expect(judge({ ...facts, now: 10 ** 8, busy: true })).toMatchObject({ go: 'warn', why: 'hub-gone' });
  expect(judge({ ...facts, now: 10 ** 8 + 2000, busy: true })).toEqual({ go: 'off', why: 'hard-limit' });
  expect(judge({ ...facts, now: 10 ** 9, leaseUntil: 2 * 10 ** 9, busy: true })).toEqual({ go: 'off', why: 'session' });
});

test.each([
  [{}, '"hub"'],
  [{ hub: 'ftp://x/hub/', cluster: 'c' }, '"hub"'],
  [{ hub: 'https://x/', cluster: 'c' }, '/hub/'],
  [{ hub: 'https://u:p@x/hub/', cluster: 'c' }, 'password'],
  [{ hub: 'http://x/hub/', cluster: 'c', ca: '/etc/ca.pem' }, 'https'],
  [{ hub: 'https://x/hub/', cluster: 'c', ca: 'sha256/abc' }, '32 bytes'],
  [{ hub: 'https://x/hub/' }, '"cluster"'],
  [{ hub: 'https://x/hub/', cluster: 'c', rooot: '/' }, 'rooot'],
  [{ hub: 'https://x/hub/', cluster: 'c', machine: 'mac' }, '"machine"'],
  [{ hub: 'https://x/hub/', cluster: 'c', poweroff: [] }, '"poweroff"'],
  [[], 'JSON object'],
])('a configuration that cannot work is named: %j', (config, words) => {
  expect(() => parseConfig(config)).toThrow(words);
});

test('writing requests are work, an open tab’s reading is not', () => {
  const line = (method: string, handler: string, status: number, count: number) =>
    `http_request_duration_seconds_count{handler="${handler}",method="${method}",status_code="${status}"} ${count}.0`;
  const contents = 'jupyter_server.services.contents.handlers.ContentsHandler';
  const metrics = [
    '# TYPE http_request_duration_seconds histogram',
    `http_request_duration_seconds_bucket{handler="${contents}",le="0.005",method="PUT",status_code="200"} 9.0`,
    line('GET', contents, 200, 400),
    line('PUT', contents, 200, 3),
    line('PUT', contents, 403, 7),
    line('POST', 'jupyter_server.services.sessions.handlers.SessionRootHandler', 201, 1),
    line('PUT', 'jupyterlab_server.workspaces_handler.WorkspacesHandler', 204, 50),
    line('POST', 'jupyter_server_terminals.api_handlers.TerminalRootHandler', 200, 2),
  ].join('\n');

  const hubs = `jupyterhub_request_duration_seconds_count{code="201",handler="${contents}",method="PUT"} 2.0`;

  expect(countWrites(metrics)).toBe(6);
  expect(countWrites(hubs)).toBe(2);
  expect(countWrites('# nothing of the kind\npython_info 1.0\n')).toBeUndefined();
});
