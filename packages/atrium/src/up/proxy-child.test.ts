import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { proxyChild } from './proxy-child.ts';

test('a process that never listens is ended, and the reason told', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));

  await expect(proxyChild(child, 500)).rejects.toThrow(/did not listen after 1 seconds, and was ended/);
  expect(await ended).toBe('SIGKILL');
});
