import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { until } from '../test-kit.ts';

test('it goes on when nobody reads its log any more', async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const flags = ['--ip', '127.0.0.1', '--port', '0', '--api-ip', '127.0.0.1', '--storage-backend', 'memory'];
  const child = spawn(process.execPath, ['--conditions=atrium-source', main, ...flags], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  const started = once(child.stdout, 'data').then(() => until('it listens', () => said.includes('/api/routes')));
  try {
    await Promise.race([started, exit.then(() => Promise.reject(new Error('it did not start')))]);
    child.stdout.destroy();
    child.stderr.destroy();
    const api = /http:\S+\/api\/routes/.exec(said)![0];

    // Each is a line of its log.
    for (let time = 0; time < 3; time++) expect((await fetch(api)).status).toBe(200);

    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});
