import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/free-port.ts';
import { askRaw, type RawAnswer, type RawRequest } from './raw.ts';

const THEIRS = join(
  dirname(createRequire(import.meta.url).resolve('configurable-http-proxy/package.json')),
  'bin',
  'configurable-http-proxy',
);
/** Our command, from its sources. */
export const OURS = [
  '--conditions=atrium-source',
  fileURLToPath(new URL('../../packages/proxy/src/cli/main.ts', import.meta.url)),
];
export const TOKEN = 'the-secret-of-the-routes';
const TO_START_MS = 120_000;

/** A proxy in a process of its own. */
export interface ProxyProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** A request to its public side. */
  ask(request: RawRequest): Promise<RawAnswer>;
  /** A request to its API, with the token unless another is named. */
  api(method: string, path: string, body?: unknown, token?: string): Promise<RawAnswer>;
  /** Where its figures are. */
  readonly metricsPort: number;
  readonly port: number;
  readonly apiPort: number;
  /** What it wrote. */
  said(): string;
}

export interface ProxyFlags {
  flags?: readonly string[];
  env?: Record<string, string>;
  /** A port of before; for a start after another. */
  ports?: readonly [port: number, apiPort: number, metricsPort: number];
  /** Home, where routes are kept. */
  home: string;
}

/** A folder that goes away with the test. */
export function folder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'atrium-alone-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Starts a proxy by its command line and waits until both of its sides answer. */
export async function startProxy(
  command: readonly string[],
  { flags = [], env, ports, home }: ProxyFlags,
): Promise<ProxyProcess> {
  const [port, apiPort, metricsPort] = ports ?? (await Promise.all([freePort(), freePort(), freePort()]));
  const where = ['--ip', '127.0.0.1', '--port', String(port), '--api-ip', '127.0.0.1', '--api-port', String(apiPort)];
  const figures = ['--metrics-ip', '127.0.0.1', '--metrics-port', String(metricsPort)];
  const child = spawn(process.execPath, [...command, ...where, ...figures, ...flags], {
    env: { PATH: process.env.PATH, HOME: home, CONFIGPROXY_AUTH_TOKEN: TOKEN, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const exited = once(child, 'exit');
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  };
  const self: ProxyProcess = {
    child,
    ...{ port, apiPort, metricsPort },
    said: () => said,
    ask: (request) => askRaw({ port }, request),
    api: (method, path, body, token = TOKEN) =>
      askRaw(
        { port: apiPort },
        {
          ...{ method, path, headers: { Host: 'api.test', Authorization: `token ${token}` } },
          ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        },
      ),
    [Symbol.asyncDispose]: end,
  };
  const until = Date.now() + TO_START_MS;
  const isUp = () =>
    Promise.all([
      self.ask({ path: '/_chp_healthz' }),
      self.api('GET', '/api/routes'),
      askRaw({ port: metricsPort }, {}),
    ])
      .then(() => true)
      .catch(() => false);
  while (!flags.includes('--ssl-key') && !(await isUp())) {
    if (child.exitCode !== null || Date.now() > until) {
      await end();
      throw new Error(`the proxy did not start:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return self;
}

/** configurable-http-proxy and ours, with the same flags. */
export async function startBoth(flags: readonly string[], home: string) {
  const [theirs, ours] = await Promise.all([
    startProxy([THEIRS], { flags, home }),
    startProxy(OURS, { flags: [...flags, '--storage-backend', 'memory'], home }),
  ]);
  return {
    theirs,
    ours,
    /** Sets a route at both. */
    async route(path: string, target: string) {
      for (const { status } of await Promise.all(
        [theirs, ours].map((one) => one.api('POST', `/api/routes${path}`, { target })),
      ))
        if (status !== 201) throw new Error(`setting a route answers ${status}`);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([theirs[Symbol.asyncDispose](), ours[Symbol.asyncDispose]()]);
    },
  };
}
