import { useSyncExternalStore } from 'react';
import { duration, exactTime, relativeTime } from '../lib/format.ts';
import { t } from '../strings/index.ts';

/** One clock for every time on the page; nobody looks at seconds. */
const TICK = 20_000;
const listeners = new Set<() => void>();
let now = Date.now();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) listener();
}, TICK);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useNow = (): number =>
  useSyncExternalStore(
    subscribe,
    () => now,
    () => now,
  );

/** Relative in words, exact on hover and for who cannot hover. */
export function Ago({ at, never = t.time.never }: { at: string | null | undefined; never?: string }) {
  const current = useNow();
  if (!at) return <span className="muted">{never}</span>;
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={exactTime(ms)}>
      {relativeTime(ms, ms > current && ms < current + TICK * 2 ? ms : current)}
    </time>
  );
}

/** How long something has been so. */
export function Since({ at }: { at: string }) {
  const current = useNow();
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={exactTime(ms)}>
      {duration(Math.round(Math.max(0, current - ms) / 1000))}
    </time>
  );
}
