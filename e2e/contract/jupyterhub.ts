import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/free-port.ts';
import { eventually, send } from './client.ts';
import { type Hub, hubAt, type Kind } from './hub.ts';
import type { Variant } from './variants.ts';
import {
  ADMIN,
  AWAY_REDIRECT,
  AWAY_TOKEN,
  BADGE_TOKEN,
  CUSTOM_SCOPES,
  type Gate,
  GROUPS,
  HELPER_DIR,
  LOST_URL,
  OUTSIDE_TOKEN,
  PASSWORD,
  QUIET_TOKEN,
  READER_TOKEN,
  ROLES,
  ROOT_TOKEN,
  TINY_SERVER,
} from './world.ts';

const CONFIG = fileURLToPath(new URL('./jupyterhub_config.py', import.meta.url));
const PROXY = join(
  dirname(createRequire(import.meta.url).resolve('configurable-http-proxy/package.json')),
  'bin',
  'configurable-http-proxy',
);
/** Four of them start side by side, perhaps on a busy machine. */
const TO_START_MS = 200_000;
const PROXY_TOKEN = 'the-secret-of-the-proxy';

/** What it runs in place of configurable-http-proxy, and of the small servers; as argument lists. */
export interface OwnPrograms {
  proxy: readonly string[];
  server: readonly string[];
}

/** Starts a real JupyterHub and its proxy, from a Python environment. */
export async function startJupyterHub(
  kind: Kind,
  python: string,
  variant: Variant,
  gate: Gate,
  own: OwnPrograms = { proxy: [process.execPath, PROXY], server: TINY_SERVER },
): Promise<AsyncDisposable & { hub: Hub }> {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-contract-'));
  mkdirSync(join(dir, 'homes'));
  const ports = [freePort(), freePort(), freePort(), freePort(), freePort()] as const;
  const [port, hubPort, proxyPort, helperPort, metricsPort] = await Promise.all(ports);
  const { base } = variant;
  const settings = {
    ...{ dir, port, hubPort, proxyPort, base, proxyToken: PROXY_TOKEN, password: PASSWORD },
    proxy: [...own.proxy, '--metrics-ip', '127.0.0.1', '--metrics-port', String(metricsPort)],
    admins: [ADMIN],
    server: own.server,
    environment: { CONTRACT_GATE: gate.url, CONTRACT_OWN: 'own', ...variant.environment },
    groups: GROUPS,
    roles: [...ROLES, ...(variant.roles ?? [])],
    customScopes: CUSTOM_SCOPES,
    services: [
      { name: 'root', api_token: ROOT_TOKEN, admin: true },
      { name: 'reader', api_token: READER_TOKEN },
      { name: 'badge', api_token: BADGE_TOKEN },
      {
        ...{ name: 'outside', url: gate.url, api_token: OUTSIDE_TOKEN, info: { room: 7 } },
        oauth_client_allowed_scopes: ['read:users!user', 'read:hub'],
      },
      { name: 'quiet', url: gate.url, api_token: QUIET_TOKEN, oauth_no_confirm: true, display: false },
      {
        ...{ name: 'away', api_token: AWAY_TOKEN, oauth_client_id: 'service-far', oauth_no_confirm: true },
        oauth_redirect_uri: AWAY_REDIRECT,
      },
      ...(variant.lostService ? [{ name: 'lost', url: LOST_URL, api_token: 'the-secret-of-the-lost-service' }] : []),
      {
        ...{ name: 'helper', url: `http://127.0.0.1:${helperPort}`, command: TINY_SERVER, cwd: HELPER_DIR },
        environment: { CONTRACT_GATE: gate.url, CONTRACT_OWN: 'own' },
      },
    ],
    asks: variant.asks ?? false,
    traits: variant.jupyterhub(port),
  };
  const child: ChildProcess = spawn(`${python}/bin/python`, ['-m', 'jupyterhub', '-f', CONFIG], {
    cwd: dir,
    env: {
      PATH: `${python}/bin:${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: dir,
      ...variant.hubEnvironment,
      CONTRACT_SETTINGS: JSON.stringify(settings),
      JUPYTERHUB_CRYPT_KEY: randomBytes(32).toString('hex'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000);
    });
  }
  const exited = once(child, 'exit');
  const proxyPid = () => Number(readFileSync(join(dir, 'proxy.pid'), 'utf8'));
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
    killLeft(dir, hubPort);
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  };
  const origin = `http://${variant.domain ?? '127.0.0.1'}:${port}`;
  try {
    await eventually(
      async () => {
        if (child.exitCode !== null) return child.exitCode;
        return send(origin, 'GET', `${base}hub/health`).then(
          ({ status }) => status,
          () => 0,
        );
      },
      (status) => status === 200 || child.exitCode !== null,
      TO_START_MS,
    );
    if (child.exitCode !== null) throw new Error('It ended');
  } catch (error) {
    await end();
    throw new Error(`${kind} did not start:\n${said}`, { cause: error });
  }
  return {
    hub: hubAt({
      ...{ kind, origin, base, gate, database: join(dir, 'jupyterhub.sqlite') },
      proxyApi: { url: `http://127.0.0.1:${proxyPort}`, token: PROXY_TOKEN },
      proxy: {
        pid: proxyPid,
        metrics: `http://127.0.0.1:${metricsPort}`,
      },
    }),
    [Symbol.asyncDispose]: end,
  };
}

/** A hub that ended by itself leaves its proxy, servers and services behind: they know its folder or its port. */
function killLeft(dir: string, hubPort: number): void {
  if (process.platform !== 'linux') return;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
      const marks = [`\0HOME=${dir}`, `\0JUPYTERHUB_API_URL=http://127.0.0.1:${hubPort}/`];
      if (marks.some((mark) => environment.includes(mark))) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Gone meanwhile, or not ours to look at.
    }
  }
}
