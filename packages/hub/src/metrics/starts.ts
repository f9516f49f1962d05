import { HubError } from '@atrium/sdk';
import type { Metrics } from './metrics.ts';
import type { Histogram } from './registry.ts';

/** JupyterHub's words for why a start did not become a server; any other fault is its own reason. */
const REASONS: Readonly<Record<string, string>> = {
  start_timeout: 'timeout',
  answer_timeout: 'timeout',
  exited: 'exited',
  out_of_memory: 'exited',
  spawner_error: 'error',
};

/** A start that was begun and failed. @param code of its fault */
export function spawnFailed(metrics: Metrics, code: string, seconds: number): void {
  const status = code === 'spawner_error' ? 'error' : 'failure';
  metrics.spawns.observe({ status, reason: REASONS[code] ?? code }, seconds);
}

const REFUSALS: Readonly<Record<string, string>> = {
  too_many_starts: 'throttled',
  too_many_servers: 'too-many-users',
  server_pending: 'already-pending',
};

/** A start that was not even queued. */
export function spawnRefused(metrics: Metrics, err: unknown): void {
  if (!(err instanceof HubError)) return;
  const reason = REFUSALS[err.code];
  if (reason !== undefined) metrics.spawns.observe({ status: 'failure', reason }, 0);
}

/** Measures how long `done` takes, by how it ends. */
export async function measured<T>(histogram: Histogram<'status'>, done: Promise<T>): Promise<T> {
  const began = performance.now();
  let status: 'success' | 'failure' = 'failure';
  try {
    const value = await done;
    status = 'success';
    return value;
  } finally {
    histogram.observe({ status }, (performance.now() - began) / 1000);
  }
}
