import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/free-port.ts';
import type { HubKind } from './hub.ts';

const MAIN = fileURLToPath(new URL('../../packages/atrium/src/main.ts', import.meta.url));
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
      `import { defineConfig, echoSpawner, secret, sharedPassword } from 'atrium';

export default defineConfig({
  authenticator: sharedPassword({ password: secret.env('BENCH_PASSWORD') }),
  access: { allowAll: true },
  spawner: echoSpawner({ url: process.env.BENCH_ECHO_URL! }),
  start: { concurrency: 100 },
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
      env: { BENCH_PASSWORD: PASSWORD, BENCH_ECHO_URL: echoUrl },
      door: { origin: `http://127.0.0.1:${port}`, hub: '/hub/', password: PASSWORD },
    };
  },
};
