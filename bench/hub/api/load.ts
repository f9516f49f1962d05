import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { quantile } from '../quantile.ts';

/** Where a hub takes requests. */
export type Where = { path: string } | { host: string; port: number };

export interface LoadRequest {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  token: string;
  headers?: Record<string, string>;
  /** `activity`: a report that is newer each time. */
  body?: 'activity' | undefined;
  /** Sent in its turn, but how long it takes is not measured. */
  aside?: true;
}

export interface LoadOrder {
  where: Where;
  /** Asked in turn. */
  requests: LoadRequest[];
  connections: number;
  /** Measured for so long, after so long that is not. */
  seconds: number;
  warm: number;
}

export interface LoadResult {
  /** ms, of every answer that came while it was measured, but for what was asked aside. */
  times: number[];
  statuses: Record<string, number>;
  /** All of them, those before it was measured too. */
  answers: number;
  bytes: number;
}

export interface Rate {
  perSecond: number;
  p50: number;
  p95: number;
  p99: number;
  /** All answers, those before it was measured too. */
  answers: number;
  /** Answers that were not 2xx. */
  bad: number;
  /** Of one answer, head and all. */
  bytes: number;
}

const CHILD = fileURLToPath(new URL('./load-child.ts', import.meta.url));

/** Requests over connections that stay open, each with one on its way at a time, driven by another process. */
export async function load(order: LoadOrder): Promise<Rate> {
  const child = fork(CHILD, [], { execArgv: ['--conditions=atrium-source'], stdio: ['ignore', 2, 2, 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`);
  });
  child.send(order);
  const [result] = (await Promise.race([once(child, 'message'), ended])) as [LoadResult];
  ended.catch(() => {});
  const { times, statuses, answers, bytes } = result;
  const all = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  const good = Object.entries(statuses).reduce((sum, [status, count]) => sum + (status[0] === '2' ? count : 0), 0);
  return {
    perSecond: good / order.seconds,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    p99: quantile(times, 0.99),
    answers,
    bad: all - good,
    bytes: bytes / Math.max(1, all),
  };
}
