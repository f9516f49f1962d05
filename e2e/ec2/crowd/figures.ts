import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { quantile } from '../../../bench/hub/quantile.ts';
import type { CrowdHub } from './hub.ts';
import { addedMs, afterBootMs, type Scene } from './scenes.ts';

export interface Spread {
  p50: number;
  p95: number;
  max: number;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  p50: Math.round(quantile(values, 0.5)),
  p95: Math.round(quantile(values, 0.95)),
  max: Math.round(quantile(values, 1)),
});

/** What one scene cost. Times in ms. */
export interface Figures {
  people: number;
  ready: number;
  failures: string[];
  /** Added by hub, plug-in and agent. */
  added: Spread;
  /** Of it, before EC2 was asked to power the machine on; and after the agent's first instruction. */
  before: Spread;
  after: Spread;
  /** Of `before`: until the hub had written the start down, until it was admitted, until EC2 was asked. */
  steps: { asked: Spread; admitted: Spread; called: Spread };
  /** How late timers of the process with people, region and agents were: what it adds by itself. */
  lag: Spread;
  /** The hub's own doing: its queue and its steps, without spawner, server and waiting. */
  own: Spread;
  powerOnCalls: number;
  throttled: number;
  calls: Record<string, number>;
  /** CPU per start. */
  cpu: { hub: number; proxy: number; region: number };
}

/** The hub's CPU and log before a scene; `figures` takes it from what is there afterwards. */
export function before(hub: CrowdHub) {
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  return { cpu: hub.cpu(), region: process.cpuUsage(), logged: logOf(hub).length, lag };
}

export function figures(scene: Scene, hub: CrowdHub, start: ReturnType<typeof before>): Figures {
  const { starts, failures, calls } = scene;
  const cpu = hub.cpu();
  const region = process.cpuUsage(start.region);
  const logged = logOf(hub).slice(start.logged);
  start.lag.disable();
  const lagMs = (percent: number) => Math.round(start.lag.percentile(percent) / 1e6);
  const each = (ms: number) => Math.round((ms / Math.max(1, starts.length)) * 10) / 10;
  const count = (test: (call: (typeof calls)[number]) => boolean) => calls.filter(test).length;
  const actions = new Map<string, number>();
  for (const { action } of calls) actions.set(action, (actions.get(action) ?? 0) + 1);
  return {
    people: starts.length + failures.length,
    ready: starts.length,
    failures: failures.slice(0, 5),
    added: spreadOf(starts.map(addedMs)),
    before: spreadOf(starts.map(({ requestedAt, calledAt }) => calledAt - requestedAt)),
    after: spreadOf(starts.map(afterBootMs)),
    steps: stepsOf(starts, logged),
    lag: { p50: lagMs(50), p95: lagMs(95), max: lagMs(100) },
    own: spreadOf(ownOf(logged)),
    powerOnCalls: count(({ action }) => action === 'StartInstances' || action === 'RunInstances'),
    throttled: count(({ code }) => code === 'RequestLimitExceeded'),
    calls: Object.fromEntries([...actions].sort((a, b) => b[1] - a[1])),
    cpu: {
      hub: each(cpu.hub - start.cpu.hub),
      proxy: each(cpu.proxy - start.cpu.proxy),
      region: each((region.user + region.system) / 1000),
    },
  };
}

interface Line {
  time: string;
  msg?: string;
  user?: string;
  server?: string;
  waitedMs?: number;
  ownMs?: number;
}

function logOf({ dataDir }: CrowdHub): string[] {
  return readFileSync(join(dataDir, 'hub-logs/hub.log'), 'utf8').split('\n').filter(Boolean);
}

function stepsOf(starts: Scene['starts'], lines: readonly string[]): Figures['steps'] {
  const at = { asked: new Map<string, number>(), admitted: new Map<string, number>() };
  for (const text of lines) {
    const step = text.includes('"start requested"')
      ? at.asked
      : text.includes('"server admitted"')
        ? at.admitted
        : null;
    if (!step) continue;
    const { user = '', time } = JSON.parse(text) as Line;
    step.set(user, Date.parse(time));
  }
  const spread = (ms: (one: (typeof starts)[number], asked: number, admitted: number) => number) =>
    spreadOf(
      starts.map((one) => ms(one, at.asked.get(one.name) ?? Number.NaN, at.admitted.get(one.name) ?? Number.NaN)),
    );
  return {
    asked: spread(({ requestedAt }, asked) => asked - requestedAt),
    admitted: spread((_, asked, admitted) => admitted - asked),
    called: spread(({ calledAt }, _, admitted) => calledAt - admitted),
  };
}

/** In the queue and in its own steps, for each start that became ready. */
function ownOf(lines: readonly string[]): number[] {
  const waited = new Map<string, number>();
  const own: number[] = [];
  for (const text of lines) {
    if (!text.includes('"server admitted"') && !text.includes('"server ready"')) continue;
    const { server = '', waitedMs, ownMs } = JSON.parse(text) as Line;
    if (waitedMs !== undefined) waited.set(server, waitedMs);
    if (ownMs !== undefined) own.push(ownMs + (waited.get(server) ?? 0));
  }
  return own;
}
