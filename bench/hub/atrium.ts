import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/free-port.ts';
import type { HubKind } from './hub.ts';

const MAIN = fileURLToPath(new URL('../../packages/atrium/src/main.ts', import.meta.url));
const ECHO = fileURLToPath(new URL('../../plugins/spawner-echo/src/index.ts', import.meta.url));
const PASSWORD = 'bench';

/** Ours, as `atrium up` runs it: SQLite, a proxy in a process of its own. */
export const atrium: HubKind = {
  title: 'Atrium',
  role: (command) => (command.includes('hub-process') ? 'hub' : command.includes('proxy-process') ? 'proxy' : 'other'),
  async plan(dir, echoUrl) {
    // The account that the hub gives root up for has to get through.
    chmodSync(dir, 0o755);
    const config = join(dir, 'atrium.config.ts');
    writeFileSync(
      config,
      `import { existsSync, readFileSync } from 'node:fs';
import { defineConfig, secret, sharedPassword } from 'atrium';
import { EchoWorld, echoSpawner } from '${ECHO}';

// Servers that run when the hub begins.
const world = new EchoWorld();
const seeded = existsSync('${join(dir, 'seeded.json')}') && JSON.parse(readFileSync('${join(dir, 'seeded.json')}', 'utf8'));
for (const server of seeded?.servers ?? []) world.start(seeded.hubId, { server, generation: 1 }, Date.now());

export default defineConfig({
  authenticator: sharedPassword({ password: secret.env('BENCH_PASSWORD') }),
  access: { allowAll: true },
  spawner: echoSpawner({ url: process.env.BENCH_ECHO_URL!, world }),
  start: { concurrency: 100 },
  ...(process.env.BENCH_DATABASE && { database: process.env.BENCH_DATABASE }),
});
`,
    );
    const port = await freePort();
    return {
      command: [
        process.execPath,
        '--conditions=atrium-source',
        ...process.execArgv.filter((option) => option.startsWith('--cpu-prof')),
        MAIN,
        ...['up', '--config', config, '--data-dir', join(dir, 'data'), '--port', String(port)],
      ],
      // An installed Atrium is compiled, as an installed JupyterHub is; this one is run from its sources.
      env: {
        BENCH_PASSWORD: PASSWORD,
        BENCH_ECHO_URL: echoUrl,
        NODE_COMPILE_CACHE: join(dir, 'compiled'),
      },
      door: { origin: `http://127.0.0.1:${port}`, hub: '/hub/', password: PASSWORD },
    };
  },
};
