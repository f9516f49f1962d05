import { expect, test } from 'vitest';
import { planOf, type RunPlan } from './command-line.ts';
import { helpText, OPTIONS } from './options.ts';
import { UsageError } from './usage.ts';

const run = (args: string[], env: Record<string, string> = {}): RunPlan => {
  const plan = planOf(args, { HOME: '/home/ada', ...env });
  if (plan.kind !== 'run') throw new Error(`it is ${plan.kind}`);
  return plan;
};

test('as JupyterHub starts it', () => {
  const args = ['--ip', '', '--port', '8000', '--api-ip', '127.0.0.1', '--api-port', '8001'];
  const { options, level, warnings } = run(
    [...args, '--error-target', 'http://127.0.0.1:8081/hub/error', '--log-level', 'INFO', '--host-routing'],
    { CONFIGPROXY_AUTH_TOKEN: 'the-token' },
  );

  expect(warnings).toEqual([]);
  expect(level).toBe('info');
  expect(options).toMatchObject({
    listen: { host: '', port: 8000 },
    api: { host: '127.0.0.1', port: 8001 },
    apiToken: 'the-token',
    errorTarget: 'http://127.0.0.1:8081/hub/error',
    hostRouting: true,
    xForward: true,
    includePrefix: true,
    prependPath: true,
    stateFile: '/home/ada/.local/state/atrium-proxy/routes-all-8000.json',
  });
});

test('what is not said is as configurable-http-proxy has it', () => {
  const { options, warnings } = run([]);

  expect(options).toMatchObject({ listen: { host: '', port: 8000 }, api: { host: 'localhost', port: 8001 } });
  expect(options.metrics).toBeUndefined();
  expect(options.trustedProxies).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('CONFIGPROXY_AUTH_TOKEN')]);
  expect(run(['--port=9000', '--ip', '*']).options).toMatchObject({
    listen: { host: '', port: 9000 },
    api: { port: 9001 },
  });
  expect(run(['--socket', '/run/p.sock']).options).toMatchObject({
    listen: { path: '/run/p.sock' },
    api: { port: 8001 },
  });
});

test('each place to listen at has a file of its own for routes, in the folder of whoever runs it', () => {
  const file = (args: string[], env?: Record<string, string>) => run(args, env).options.stateFile;

  expect(file(['--ip', '::1'], { XDG_STATE_HOME: '/x' })).toBe('/x/atrium-proxy/routes-__1-8000.json');
  expect(file([], { STATE_DIRECTORY: '/var/lib/p' })).toBe('/var/lib/p/routes-all-8000.json');
  expect(file(['--state-file', '/a/b.json'])).toBe('/a/b.json');
  expect(file(['--storage-backend', 'memory'])).toBeUndefined();
  expect(file(['--port', '0'])).toBeUndefined();
  expect(file(['--socket', '/a'])).not.toBe(file(['--socket', '/b']));
});

test('times and fields', () => {
  const { limits, customHeaders, trustedProxies } = run([
    ...['--timeout', '5000', '--proxy-timeout', '7000', '--keep-alive-timeout', '100'],
    ...['--custom-header', ' X-A : b:c ', '--custom-header', 'x-a:last', '--trusted-proxies', '10.0.0.0/8, ::1'],
  ]).options;

  expect(limits).toEqual({ stallTimeoutMs: 5000, answerTimeoutMs: 5000, idleTimeoutMs: 100 });
  expect(customHeaders).toEqual({ 'X-A': 'last' });
  expect(trustedProxies).toEqual(['10.0.0.0/8', '::1']);
});

test.each([
  [['--nope'], 'There is no option --nope'],
  [['serve'], 'serve is not an option'],
  [['--port'], '--port'],
  [['--port', '80a'], '--port takes a port'],
  [['--port', '70000'], '--port takes a port'],
  [['--api-port=-1'], '--api-port takes a port'],
  [['--no-x-forward=yes'], '--no-x-forward'],
  [['--timeout', '0'], '--timeout takes a whole number of milliseconds'],
  [['--socket', '/a', '--port', '1'], '--socket and --port exclude each other'],
  [['--api-socket', '/a', '--api-ip', '::1'], '--api-socket and --api-ip exclude each other'],
  [['--socket', ''], '--socket is empty'],
  [['--log-level', 'loud'], '--log-level is one of'],
  [['--default-target', 'localhost:8888'], '--default-target'],
  [['--error-target', 'http://a', '--error-path', '/b'], '--error-target and --error-path exclude each other'],
  [['--redirect-port', '80'], '--ssl-key and --ssl-cert'],
  [['--redirect-to', '443'], '--redirect-to needs --redirect-port'],
  [['--ssl-key', '/nowhere/key.pem'], '--ssl-key: /nowhere/key.pem cannot be read'],
  [['--ssl-cert', import.meta.filename], '--ssl-key is missing'],
  [['--api-ssl-key', import.meta.filename, '--api-ssl-cert', import.meta.filename], '--api-ssl-…'],
  [['--ssl-ca', import.meta.filename], '--ssl-ca says nothing without'],
  [['--ssl-request-cert'], '--ssl-request-cert says nothing without'],
  [['--client-ssl-key', import.meta.filename], '--client-ssl-cert is missing'],
  [['--ssl-protocol', 'SSLv3'], '--ssl-protocol SSLv3 is not offered'],
  [['--ssl-ciphers', 'nonsense'], 'cannot be used'],
  [['--custom-header', 'nothing'], 'no colon'],
  [['--custom-header', 'a b:c'], 'is not the name of a field'],
  [['--custom-header', 'Content-Length:1'], "the proxy's own"],
  [['--custom-header', 'a:b\r\nc: d'], 'characters that no field may have'],
  [['--protocol-rewrite', 'gopher'], '--protocol-rewrite takes http or https'],
  [['--trusted-proxies', 'localhost'], '--trusted-proxies'],
  [['--storage-backend', 'configurable-http-proxy-redis'], 'Routes are kept in a file'],
  [['--storage-backend', 'memory', '--state-file', '/x'], 'of no use'],
])('%j is refused in words', (args, words) => {
  expect(() => planOf(args, {})).toThrow(UsageError);
  expect(() => planOf(args, {})).toThrow(words);
});

test('the help names every option', () => {
  for (const name of Object.keys(OPTIONS)) expect(helpText()).toContain(`--${name}`);
});
