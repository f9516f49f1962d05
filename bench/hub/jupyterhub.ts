import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../tools/free-port.ts';
import type { HubKind } from './hub.ts';

export const JUPYTERHUB = '5.5.4';
export const PROXY = '5.3.0';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DIR = join(ROOT, '.cache', 'bench-jupyterhub-5');
const CONFIG = fileURLToPath(new URL('./jupyterhub_config.py', import.meta.url));
const PROGRAM = join(DIR, 'bin', 'jupyterhub');
const PROXY_PROGRAM = join(DIR, 'node', 'node_modules', 'configurable-http-proxy', 'bin', 'configurable-http-proxy');
export const PYTHON = join(DIR, 'bin', 'python');
const PASSWORD = 'bench';

const run = promisify(execFile);

/** JupyterHub and its proxy in a folder of their own in `.cache`; nothing of this machine changes. */
async function install(): Promise<void> {
  if (!existsSync(PROGRAM)) {
    await run('python3', ['-m', 'venv', DIR]);
    await run(join(DIR, 'bin', 'pip'), ['install', '--quiet', `jupyterhub==${JUPYTERHUB}`]);
  }
  if (!existsSync(PROXY_PROGRAM)) {
    const where = ['--prefix', join(DIR, 'node')];
    await run('npm', ['install', '--no-save', '--ignore-scripts', ...where, `configurable-http-proxy@${PROXY}`]);
  }
}

/** A real JupyterHub with SQLite and its own proxy. `limit` is its `concurrent_spawn_limit`: 100 by default, 0 for none. */
function jupyterhubWith(title: string, limit: number): HubKind {
  return {
    title,
    prepare: install,
    role: (command) =>
      command.includes('configurable-http-proxy') ? 'proxy' : command.includes('jupyterhub') ? 'hub' : 'other',
    async plan(dir, echoUrl) {
      const [port, hubPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
      return {
        command: [PROGRAM, '--config', CONFIG],
        env: {
          PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
          BENCH_DIR: dir,
          BENCH_PASSWORD: PASSWORD,
          BENCH_ECHO_URL: echoUrl,
          BENCH_SPAWN_LIMIT: String(limit),
          BENCH_PORTS: [port, hubPort, proxyPort].join(','),
          BENCH_PROXY: PROXY_PROGRAM,
          BENCH_NODE: process.execPath,
        },
        door: { origin: `http://127.0.0.1:${port}`, hub: '/hub/', password: PASSWORD },
      };
    },
  };
}

export const jupyterhub = jupyterhubWith(`JupyterHub ${JUPYTERHUB}, no spawn limit`, 0);
export const jupyterhubDefault = jupyterhubWith(`JupyterHub ${JUPYTERHUB}, default limit`, 100);
