import type { Clock } from '@atrium/sdk';
import type { Wakeups } from '../wakeups.ts';

/** A start waits so long for a proxy that does not say that it has the route, ms; after that nobody waits for it. */
const PATIENCE_MS = 1_000;
/** Another hub that said nothing for so long has ended: it says something with every ping of its streams, ms. */
const SILENCE_MS = 15_000;

/** A proxy of this hub, or another hub for all of its proxies. */
interface Follower {
  /** Of the table that it has; 0 for none yet. */
  version: number;
  /** The last that was waited for in vain: until it has that one, nobody waits for this follower. */
  missed: number;
}

interface Waiter {
  version: number;
  done(): void;
}

/** Which version of the routes the proxies have. Kept in memory: a hub that starts anew hears it from those who connect. */
export interface AppliedRoutes extends Disposable {
  /** A proxy follows the routes of this hub and has `version`. Call what is returned when its stream has ended. */
  follows(proxy: string, version: number): () => void;
  /** A proxy of this hub has applied everything up to `version`. */
  applied(proxy: string, version: number): void;
  /** What a proxy of this hub said last that it has; undefined when it does not follow the routes now. */
  versionOf(proxy: string): number | undefined;
  /** Tells other hubs how far the proxies of this one are; now and then, so that they know it lives. */
  announce(): void;
  /** Until every proxy that follows has `version`, at most a second; at once when none does. Also ends with the signal. */
  wait(version: number, signal: AbortSignal): Promise<void>;
}

export interface AppliedRoutesOptions {
  clock: Clock;
  wakeups: Wakeups;
  /** Of this process, and whether there may be others with proxies of their own. */
  instanceId: string;
  others: boolean;
}

/** One per hub process. */
export function appliedRoutes({ clock, wakeups, instanceId, others }: AppliedRoutesOptions): AppliedRoutes {
  const proxies = new Map<string, Follower & { streams: number }>();
  const hubs = new Map<string, Follower & { heardAt: number }>();
  const waiters = new Set<Waiter>();
  let told: number | undefined;

  const unlisten = others ? wakeups.on('applied', hear) : () => {};

  function hear(payload: string): void {
    const [hub = '', text = ''] = payload.split(' ');
    if (hub === instanceId) return;
    if (text === 'none') hubs.delete(hub);
    else hubs.set(hub, { missed: 0, ...hubs.get(hub), version: Number(text), heardAt: clock.now() });
    settle();
  }

  /** Whom a start that needs `version` has to wait for. */
  function behind(version: number): Follower[] {
    const heardSince = clock.now() - SILENCE_MS;
    for (const [name, { heardAt }] of hubs) if (heardAt < heardSince) hubs.delete(name);
    return [...proxies.values(), ...hubs.values()].filter(
      (each) => each.version < version && each.version >= each.missed,
    );
  }

  function settle(): void {
    for (const waiter of waiters) if (behind(waiter.version).length === 0) waiter.done();
  }

  /** What all proxies of this hub have; undefined without any. */
  const common = () =>
    proxies.size === 0 ? undefined : Math.min(...[...proxies.values()].map((each) => each.version));

  function announce(): void {
    if (!others || (proxies.size === 0 && told === undefined)) return;
    told = common();
    wakeups.notify('applied', `${instanceId} ${told ?? 'none'}`);
  }

  function changed(): void {
    if (common() !== told) announce();
    settle();
  }

  return {
    follows(proxy, version) {
      // The stream of before may still be open when the next one begins.
      const { missed = 0, streams = 0 } = proxies.get(proxy) ?? {};
      proxies.set(proxy, { version, missed, streams: streams + 1 });
      changed();
      let connected = true;
      return () => {
        const known = proxies.get(proxy);
        if (!connected || !known) return;
        connected = false;
        known.streams -= 1;
        if (known.streams === 0) proxies.delete(proxy);
        changed();
      };
    },
    applied(proxy, version) {
      const known = proxies.get(proxy);
      if (!known) return;
      known.version = version;
      changed();
    },
    versionOf: (proxy) => proxies.get(proxy)?.version,
    announce,
    async wait(version, signal) {
      if (behind(version).length === 0) return;
      const over = new AbortController();
      const waiter: Waiter = { version, done: () => over.abort() };
      waiters.add(waiter);
      try {
        await clock.sleep(PATIENCE_MS, AbortSignal.any([signal, over.signal])).catch(() => {});
        if (!over.signal.aborted && !signal.aborted) for (const each of behind(version)) each.missed = version;
      } finally {
        waiters.delete(waiter);
      }
    },
    [Symbol.dispose]() {
      unlisten();
      for (const waiter of waiters) waiter.done();
    },
  };
}
