import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPTIONS } from '../../packages/atrium/src/process/child.ts';
import { freePort } from '../../tools/free-port.ts';
import { routeTo, startHubStandIn } from './hub-stand-in.ts';
import { familyPids, type Run, startPinned } from './pinned.ts';
import { type CertificateFiles, speaksTls } from './tls.ts';

/** What a proxy is started for. */
export interface Plan {
  /** A directory of its own. */
  dir: string;
  /** Port of the server behind it, on the loopback address. */
  backend: number;
  /** Core it may use; undefined for all. */
  core: number | undefined;
  urgent: boolean;
  /** Its public side speaks TLS with this. */
  certificate?: CertificateFiles | undefined;
}

export interface RunningPeer extends AsyncDisposable {
  port: number;
  /** Its processes, as they are now. */
  pids(): number[];
  /** Adds or removes routes to the server behind it, and resolves when they hold; undefined where there is no way. */
  routes: { add(paths: readonly string[]): Promise<void>; remove(paths: readonly string[]): Promise<void> } | undefined;
}

/** One proxy of the comparison. */
export interface Peer {
  name: 'atrium' | 'nginx' | 'chp' | 'haproxy';
  title: string;
  version: string;
  start(plan: Plan): Promise<RunningPeer>;
}

/** Where the route under test begins. */
export const PREFIX = '/user/bench';

const PROXY_PROCESS = fileURLToPath(new URL('../../packages/atrium/src/process/proxy-process.ts', import.meta.url));

/** The proxy process as `atrium up` starts it, with its table from a route stream; only the hub behind that is none. */
const atrium: Peer = {
  name: 'atrium',
  title: 'Atrium',
  version: '',
  async start({ dir, backend, core, urgent, certificate }) {
    const target = { kind: 'tcp', host: '127.0.0.1', port: backend } as const;
    const hub = await startHubStandIn(dir, [routeTo(PREFIX, target)]);
    const argument = {
      host: '127.0.0.1',
      port: 0,
      basePath: '/',
      api: { host: '127.0.0.1', port: 0 },
      hubSocket: hub.hubSocket,
      controlSocket: hub.controlSocket,
      tableFile: join(dir, 'data', 'routes.json'),
      logFile: join(dir, 'proxy.log'),
      trustedProxies: [],
      connectionsPerAddress: 10_000,
      ...(certificate && { tls: { certificates: [{ cert: certificate.cert, key: certificate.key }], http2: true } }),
    };
    const profiled = process.execArgv.filter((option) => option.startsWith('--cpu-prof'));
    const command = [
      process.execPath,
      '--conditions=atrium-source',
      ...OPTIONS['proxy-process'],
      ...profiled,
      PROXY_PROCESS,
      JSON.stringify(argument),
    ];
    const run = await startPinned(command, { core, urgent, ipc: true, env: {} });
    const { type, port } = await run.message<{ type: string; port: number }>();
    if (type !== 'ready') throw new Error('the proxy did not start');
    await ready(run, port, certificate);
    return {
      port,
      pids: () => familyPids(run.pid),
      routes: {
        async add(paths) {
          for (const path of paths) hub.change([routeTo(path, target)], []);
          await answering(run, port, `${paths.at(-1)}/small`);
        },
        async remove(paths) {
          for (const path of paths) hub.change([], [path]);
          await until(run, async () => (await get(port, `${paths.at(-1)}/small`)) === 'hub');
        },
      },
      async [Symbol.asyncDispose]() {
        await run[Symbol.asyncDispose]();
        await hub[Symbol.asyncDispose]();
      },
    };
  },
};

/** One worker as its makers ship it, with what a site needs in front of notebooks: kept connections, headers, websockets. */
const nginx: Peer = {
  name: 'nginx',
  title: 'nginx',
  version: programVersion('nginx', ['-v']),
  async start({ dir, backend, core, urgent, certificate }) {
    const port = await freePort();
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${dir}/${name};`)
      .join('\n  ');
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log warn;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 19900; }
http {
  ${temp}
  access_log off;
  client_max_body_size 0;
  keepalive_requests 100000000;
  keepalive_timeout 75s;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream server { server 127.0.0.1:${backend}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} ${certificate ? 'ssl ' : ''}backlog=8192;
    ${certificate ? `ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key}; ssl_protocols TLSv1.2 TLSv1.3;` : ''}
    location / { return 404; }
    location ${PREFIX} {
      proxy_pass http://server;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Request-Id $request_id;
      proxy_read_timeout 3600s;
    }
  }
}
`,
    );
    const run = await startPinned(['nginx', '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], {
      core,
      urgent,
    });
    await ready(run, port, certificate);
    return {
      port,
      pids: () => familyPids(run.pid),
      routes: undefined,
      [Symbol.asyncDispose]: () => run[Symbol.asyncDispose](),
    };
  },
};

const CHP_PACKAGE = createRequire(import.meta.url).resolve('configurable-http-proxy/package.json');

const chp: Peer = {
  name: 'chp',
  title: 'configurable-http-proxy',
  version: JSON.parse(readFileSync(CHP_PACKAGE, 'utf8')).version,
  async start({ core, urgent, backend, certificate }) {
    const [port, apiPort] = [await freePort(), await freePort()];
    const where = ['--ip', '127.0.0.1', '--port', String(port), '--api-ip', '127.0.0.1', '--api-port', String(apiPort)];
    const program = join(dirname(CHP_PACKAGE), 'bin', 'configurable-http-proxy');
    const env = { CONFIGPROXY_AUTH_TOKEN: 'bench', NODE_ENV: 'production' };
    const tls = certificate ? ['--ssl-cert', certificate.cert, '--ssl-key', certificate.key] : [];
    const command = [process.execPath, program, ...where, ...tls, '--log-level', 'warn'];
    const run = await startPinned(command, { core, urgent, env });
    const call = async (method: string, path: string) => {
      const answer = await fetch(`http://127.0.0.1:${apiPort}/api/routes${path}`, {
        method,
        headers: { authorization: 'token bench' },
        ...(method === 'POST' && { body: JSON.stringify({ target: `http://127.0.0.1:${backend}` }) }),
      });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${method} of a route was answered with ${answer.status}`);
    };
    await until(run, () =>
      call('POST', PREFIX).then(
        () => true,
        () => false,
      ),
    );
    await ready(run, port, certificate);
    const each = async (method: string, paths: readonly string[]) => {
      for (let at = 0; at < paths.length; at += 16) {
        await Promise.all(paths.slice(at, at + 16).map((path) => call(method, path)));
      }
    };
    return {
      port,
      pids: () => familyPids(run.pid),
      routes: { add: (paths) => each('POST', paths), remove: (paths) => each('DELETE', paths) },
      [Symbol.asyncDispose]: () => run[Symbol.asyncDispose](),
    };
  },
};

const haproxy: Peer = {
  name: 'haproxy',
  title: 'haproxy',
  version: programVersion('haproxy', ['-v']),
  async start({ dir, backend, core, urgent, certificate }) {
    const port = await freePort();
    writeFileSync(
      join(dir, 'haproxy.cfg'),
      `global
  nbthread 1
  maxconn 9900
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 120s
  timeout tunnel 1h
frontend all
  bind 127.0.0.1:${port} backlog 8192 ${certificate ? `ssl crt ${certificate.both}` : ''}
  use_backend server if { path_beg ${PREFIX} }
backend server
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port ${port}
  http-request set-header X-Request-Id %[uuid()]
  http-reuse always
  server one 127.0.0.1:${backend} pool-max-conn 64
`,
    );
    const run = await startPinned(['haproxy', '-db', '-f', join(dir, 'haproxy.cfg')], { core, urgent });
    await ready(run, port, certificate);
    return {
      port,
      pids: () => familyPids(run.pid),
      routes: undefined,
      [Symbol.asyncDispose]: () => run[Symbol.asyncDispose](),
    };
  },
};

export const PEERS: readonly Peer[] = [atrium, nginx, chp, haproxy];

/** Empty when this machine does not have it. */
function programVersion(program: string, args: string[]): string {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return error ? '' : (/[0-9]+\.[0-9.]+/.exec(stdout + stderr)?.[0] ?? 'unknown');
}

/** Whether a peer can take part here; Atrium always does. */
export function isThere(peer: Peer): boolean {
  return peer.name === 'atrium' || peer.version !== '';
}

/** The commit under test, if this is a clone. */
export function ownVersion(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

async function get(port: number, path: string): Promise<string | undefined> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).text();
  } catch {
    return undefined;
  }
}

function answering(run: Run, port: number, path: string): Promise<void> {
  return until(run, async () => (await get(port, path))?.includes('hello') === true);
}

/** Until it answers as it will be asked. */
function ready(run: Run, port: number, certificate: CertificateFiles | undefined): Promise<void> {
  return certificate ? until(run, () => speaksTls(port)) : answering(run, port, `${PREFIX}/small`);
}

const START_MS = 60_000;

async function until(run: Run, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!(await check())) {
    if (run.ended()) throw new Error(`${run.title} ended by itself`);
    if (performance.now() > deadline) throw new Error(`${run.title} did not answer in time`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
