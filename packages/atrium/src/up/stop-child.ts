import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** How long one of our processes may take to close what it holds. */
const STOP_MS = 10_000;

/** Resolves once the process is gone: `signal SIGKILL`, `status 1`, or why it never began. */
export function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
    child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `status ${code}`));
  });
}

/** Asks a process to end; kills it at the deadline. Returns when it is gone. */
export async function stopChild(child: ChildProcess, ended: Promise<string>, deadlineMs = STOP_MS): Promise<void> {
  if (child.connected) child.send({ type: 'stop' }, () => {});
  const timer = new AbortController();
  const late = delay(deadlineMs, 'late', { signal: timer.signal }).catch(() => 'aborted');
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
  timer.abort();
  await ended;
}
