import { keepRunning } from './keep.ts';
import type { ProxyChild } from './proxy-child.ts';

export interface WorkersOptions {
  /** Runs already. */
  first: ProxyChild;
  /** How many there shall be. */
  count: number;
  /** Starts another one with what is in force now; resolves once it listens. */
  start(): Promise<ProxyChild>;
  /** Which processes there are, those that only wait for their last connections to end not counted. */
  onChange(pids: readonly number[]): void;
  say(text: string): void;
  signal: AbortSignal;
}

/** Proxy processes that listen at the same sockets. One that ends is started again and takes nothing with it but its own connections. */
export interface Workers {
  /**
   * Replaces them one after the other; the old ones may keep their connections for `drainMs`. Rejects when a new one cannot
   * start: those that are not replaced then go on.
   */
  upgrade(count: number, drainMs: number): Promise<void>;
}

interface Slot {
  child: ProxyChild | undefined;
  kept: { replace(exchange: (old: ProxyChild | undefined) => Promise<ProxyChild>): Promise<void> };
  /** Nobody takes the place any more. */
  given: AbortController;
}

export function keepWorkers({ first, count, start, onChange, say, signal }: WorkersOptions): Workers {
  const slots: Slot[] = [];
  const tell = () => onChange(slots.flatMap(({ child }) => child?.pid ?? []));

  const add = (child?: ProxyChild) => {
    const given = new AbortController();
    const kept = keepRunning<ProxyChild>({
      name: 'proxy process',
      first: child,
      start,
      onStarted: (next) => {
        // Given up while it started.
        if (given.signal.aborted) return next.leave(0);
        slot.child = next;
        tell();
      },
      say,
      signal: AbortSignal.any([signal, given.signal]),
    });
    const slot: Slot = { child, kept, given };
    slots.push(slot);
  };

  add(first);
  while (slots.length < count) add();
  tell();
  return {
    async upgrade(wanted, drainMs) {
      for (const { kept } of slots.slice(0, wanted)) {
        await kept.replace(async (old) => {
          const next = await start();
          old?.leave(drainMs);
          return next;
        });
      }
      while (slots.length < wanted) add();
      for (const { child, given } of slots.splice(wanted)) {
        given.abort();
        child?.leave(drainMs);
      }
      tell();
    },
  };
}
