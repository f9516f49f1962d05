import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../tools/free-port.ts';
import { atrium } from '../hub/atrium.ts';
import type { HubKind, Plan } from '../hub/hub.ts';
import { jupyterhub } from '../hub/jupyterhub.ts';

/** Nobody waits longer than this for a server, s; told to the hubs, too. */
export const PATIENCE = 600;

const MAIN = fileURLToPath(new URL('../../packages/atrium/src/main.ts', import.meta.url));
const CONFIG = fileURLToPath(new URL('./jupyterhub_config.py', import.meta.url));
const PASSWORD = 'bench';
/** Template and all: what loads at low priority on a machine with other things to do takes its time, ms. */
const TEMPLATE_MS = 120_000;
const LOOK_MS = 200;

/** How many servers began in which way, since the hub began. */
export interface Warmth {
  warm: number;
  cold: Record<string, number>;
}

/** A way to run servers that can be measured. */
export interface StartKind extends HubKind {
  name: string;
  prepare?(): Promise<void>;
  plan(dir: string, python: string): Promise<Plan>;
  /** Until servers can be started as this kind starts them. */
  settle?(dir: string): Promise<void>;
  warmth?(dir: string): Promise<Warmth>;
  /** Ends the servers of a hub that leaves them running when it ends itself. */
  endServers?(dir: string): Promise<void>;
}

interface Status {
  hub?: { warm?: { templates: { state: string }[]; starts: Warmth } };
}

const run = promisify(execFile);
const command = (dir: string, ...args: string[]) =>
  run(process.execPath, ['--conditions=atrium-source', MAIN, ...args, '--data-dir', join(dir, 'data')]);

async function warmOf(dir: string) {
  const { stdout } = await command(dir, 'status', '--json');
  return (JSON.parse(stdout) as Status).hub?.warm;
}

function atriumWith(name: 'warm' | 'cold'): StartKind {
  return {
    name,
    title: `Atrium, ${name}`,
    role: atrium.role,
    async plan(dir, python) {
      // The account that the hub gives root up for has to get through.
      chmodSync(dir, 0o755);
      const config = join(dir, 'atrium.config.ts');
      const options = { start: name, python };
      writeFileSync(
        config,
        `import { defineConfig, processSpawner, secret, sharedPassword } from 'atrium';
export default defineConfig({
  authenticator: sharedPassword({ password: secret.env('BENCH_PASSWORD') }),
  access: { allowAll: true },
  spawner: processSpawner(${JSON.stringify(options)}),
  start: { timeout: '${PATIENCE}s' },
  services: [{ name: 'bench', apiToken: secret.env('BENCH_TOKEN') }],
  roles: [{ name: 'bench', scopes: ['access:servers'], services: ['bench'] }],
});
`,
      );
      const port = await freePort();
      return {
        command: [
          process.execPath,
          ...['--conditions=atrium-source', MAIN, 'up', '--config', config],
          ...['--data-dir', join(dir, 'data'), '--port', String(port)],
        ],
        env: { BENCH_PASSWORD: PASSWORD, NODE_COMPILE_CACHE: join(dir, 'compiled') },
        door: { origin: `http://127.0.0.1:${port}`, hub: '/hub/', password: PASSWORD },
      };
    },
    async settle(dir) {
      if (name === 'cold') return;
      const deadline = performance.now() + TEMPLATE_MS;
      const ready = async () => (await warmOf(dir))?.templates.some(({ state }) => state === 'ready');
      while (!(await ready())) {
        if (performance.now() > deadline) throw new Error(`No template within ${TEMPLATE_MS / 1000} s`);
        await delay(LOOK_MS);
      }
    },
    warmth: async (dir) => (await warmOf(dir))?.starts ?? { warm: 0, cold: {} },
    async endServers(dir) {
      await command(dir, 'down', '--servers');
    },
  };
}

/** The notebook servers of the same Python environment, run by JupyterHub as processes of this machine. */
const local: StartKind = {
  ...jupyterhub,
  name: 'jupyterhub',
  title: jupyterhub.title.replace(/,.*/, ''),
  async plan(dir, python) {
    const plan = await jupyterhub.plan(dir, '');
    const env = { ...plan.env, BENCH_PYTHON: python, BENCH_PATIENCE: String(PATIENCE) };
    return { ...plan, command: [plan.command[0], '--config', CONFIG], env };
  },
};

export const KINDS: readonly StartKind[] = [atriumWith('warm'), atriumWith('cold'), local];
