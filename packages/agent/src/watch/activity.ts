import type { Clock, Log } from '@atrium/sdk';
import { textOf } from '../errors.ts';
import { call } from '../http.ts';
import type { Session } from '../hub/protocol.ts';
import type { Machine, ProcessLook } from '../machine/machine.ts';
import { countWrites } from './api-work.ts';
import { newestWork } from './newest-work.ts';

export interface Activity {
  /** A cell runs, or a program in a terminal computes. */
  busy: boolean;
  /** Newest work that was seen, ms; null when there never was any: never opened counts as idle. */
  lastWork: number | null;
  kernels: number;
  terminals: number;
}

const TIMEOUT_MS = 8000;
/** Share of a core above which programs count as computing. An idle kernel with its heartbeat takes below 0.5 %. */
const COMPUTES = 0.03;

/** Looks at what the person's programs do, again and again; remembers what it needs from one look to the next. */
export function activityWatch(machine: Machine, clock: Clock, log: Log) {
  let lastWork: number | null = null;
  let before: { at: number; look: ProcessLook } | undefined;
  let writes: number | undefined;
  let known: { busy: boolean; kernels: number; terminals: number } = { busy: false, kernels: 0, terminals: 0 };

  return async (session: Session): Promise<Activity> => {
    const now = clock.now();
    const asked = await ask(session).catch((error) => {
      log.debug({ error: textOf(error) }, 'the server did not say whether it is busy');
      return undefined;
    });
    // Reading every program of the machine is only worth it when the answer may depend on it.
    const look = asked && asked.terminals === 0 ? undefined : await machine.processes().catch(() => undefined);
    const seconds = before ? Math.max(1, now - before.at) / 1000 : 0;
    const grew = (key: 'cpuSeconds' | 'terminalCpuSeconds') =>
      look !== undefined && before !== undefined && (look[key] - before.look[key]) / seconds > COMPUTES;
    const computes = grew(asked ? 'terminalCpuSeconds' : 'cpuSeconds');
    before = look ? { at: now, look } : undefined;

    if (asked) {
      known = { busy: asked.busy, kernels: asked.kernels, terminals: asked.terminals };
      if (asked.at !== undefined) lastWork = Math.max(lastWork ?? 0, Math.min(asked.at, now));
      if (asked.writes !== undefined) {
        // Fewer than before: the server was started anew.
        if (writes !== undefined && asked.writes !== writes && asked.writes > 0) lastWork = now;
        writes = asked.writes;
      }
    } else if (!look) {
      // Nothing can be seen and nothing was heard: what was known last is all there is.
      known = { ...known, busy: known.busy && (await machine.server()).state === 'running' };
    } else known = { ...known, busy: look.kernelAtWork };
    const busy = known.busy || computes;
    if (busy) lastWork = now;
    return { busy, lastWork, kernels: known.kernels, terminals: known.terminals };
  };
}

/** The server's own word. Undefined when it has no such API or does not let us in: it is then silent, not idle. */
async function ask({ bind, port, server, env }: Session) {
  const host = bind.includes(':') ? `[${bind}]` : bind;
  const headers = { authorization: `token ${env.JUPYTERHUB_API_TOKEN ?? ''}` };
  // Our own questions must not count as somebody's activity.
  const paths = ['api/kernels?no_track_activity=1', 'api/terminals?no_track_activity=1', 'metrics'];
  const [kernels, terminals, metrics] = await Promise.all(
    paths.map((path) =>
      call({ method: 'GET', url: `http://${host}:${port}${server.prefix}${path}`, headers, timeoutMs: TIMEOUT_MS }),
    ),
  );
  if (!kernels || !terminals || kernels.status !== 200) return undefined;
  const work = newestWork(kernels.body);
  // A server may have no terminals at all: 404.
  const shells = newestWork(terminals.status === 200 ? terminals.body : '[]');
  const at = Math.max(work.at ?? 0, shells.at ?? 0);
  const writes = metrics?.status === 200 ? countWrites(metrics.body) : undefined;
  return { busy: work.busy, at: at > 0 ? at : undefined, writes, kernels: work.count, terminals: shells.count };
}
