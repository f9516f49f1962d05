import { isDeepStrictEqual } from 'node:util';
import { endLeftovers } from './leftovers.ts';
import { type KeptService, keepService } from './one.ts';
import type { RunnerOptions, ServiceEvent, ServiceListener, ServiceRunner } from './types.ts';

/** What services wrote while no hub listened; more is lost. */
const WAITING_CHARS = 256 * 1024;

/**
 * Runs services as children of this process, each in a group of its own. The supervisor has one, which outlives its hubs;
 * a hub that runs by itself has one, too. Disposing stops everything.
 */
export function createServiceRunner(options: RunnerOptions): ServiceRunner & AsyncDisposable {
  const running = new Map<string, KeptService>();
  /** One change of a service after the other. */
  const turns = new Map<string, Promise<void>>();
  let wanted = new Map<string, Parameters<typeof keepService>[0]>();
  let listener: ServiceListener | undefined;
  let waiting: ServiceEvent[] = [];
  let waitingChars = 0;
  let lease: NodeJS.Timeout | undefined;
  let isFirst = true;
  let isClosed = false;

  const tell = (event: ServiceEvent) => {
    if (listener) return listener(event);
    if (event.kind !== 'output' || waitingChars + event.text.length > WAITING_CHARS) return;
    waiting.push(event);
    waitingChars += event.text.length;
  };

  const turn = (name: string, hubId: string) => {
    const next = (turns.get(name) ?? Promise.resolve()).then(async () => {
      const order = wanted.get(name);
      const kept = running.get(name);
      if (kept && order && isDeepStrictEqual(kept.order, order)) return;
      if (kept) {
        await kept.stop();
        running.delete(name);
      }
      // What is wanted may have changed while it ended.
      const now = wanted.get(name);
      if (now && !isClosed) running.set(name, keepService(now, hubId, options, tell));
    });
    turns.set(name, next);
    return next;
  };

  const stopAll = async () => {
    wanted = new Map();
    await Promise.all([...running.keys(), ...turns.keys()].map((name) => turn(name, '')));
  };

  return {
    settle({ hubId, services, leaseMs }) {
      if (isClosed) return;
      // Only when it is our turn: another hub of this computer may run them now.
      if (isFirst && services.length > 0) {
        isFirst = false;
        endLeftovers(`${hubId}/`);
      }
      wanted = new Map(services.map((service) => [service.name, service]));
      for (const name of new Set([...wanted.keys(), ...running.keys()])) void turn(name, hubId);
      clearTimeout(lease);
      if (leaseMs !== null) lease = setTimeout(() => void stopAll(), leaseMs);
    },
    listen(next) {
      listener = next;
      for (const [name, { pid }] of running) if (pid !== undefined) next({ kind: 'started', name, pid });
      for (const event of waiting) next(event);
      waiting = [];
      waitingChars = 0;
    },
    unlisten(gone) {
      if (listener === gone) listener = undefined;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(lease);
      await stopAll();
    },
  };
}
