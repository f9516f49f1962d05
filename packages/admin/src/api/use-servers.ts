import { useEffect, useState } from 'react';
import { facts } from '../lib/facts.ts';
import type { LiveServer, Usage } from './types.ts';

/** How long to wait before a stream that the hub refused is opened again, ms: twice as long each time, up to the last. */
const AGAIN = { first: 5_000, last: 60_000 };

export interface LiveTable {
  rows: ReadonlyMap<string, LiveServer>;
  /** `waiting`: nothing has come yet. `lost`: what is shown is as old as the connection. */
  state: 'waiting' | 'live' | 'lost';
}

interface Rows {
  rows: LiveServer[];
  more: boolean;
  first?: boolean;
}

export interface Pulse {
  /** Null: not measured now, and what was measured before is out of date. */
  usage: Record<string, Usage | null>;
  activity: Record<string, string | null>;
}

/** The rows with how they are used and when they were last active. */
export function withPulse(
  rows: ReadonlyMap<string, LiveServer>,
  { usage, activity }: Pulse,
  at: string,
): Map<string, LiveServer> {
  const next = new Map(rows);
  for (const [key, used] of Object.entries(usage)) {
    const row = next.get(key);
    if (!row) continue;
    next.set(key, { ...row, usage: used && { ...used, at }, last_activity: activity[key] ?? row.last_activity });
  }
  return next;
}

/** Every server that is on or has a problem, kept up to date by the hub's stream. */
export function useServers(enabled = true): LiveTable {
  const [table, setTable] = useState<LiveTable>({ rows: new Map(), state: 'waiting' });
  useEffect(() => {
    if (!enabled) return;
    let stream: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait = AGAIN.first;
    let arriving: Map<string, LiveServer> | undefined;
    const { api, xsrf } = facts();

    const change = (edit: (rows: Map<string, LiveServer>) => void) =>
      setTable(({ rows }) => {
        const next = new Map(rows);
        edit(next);
        return { rows: next, state: 'live' };
      });

    const open = () => {
      stream = new EventSource(`${api}/atrium/servers/stream?_xsrf=${encodeURIComponent(xsrf)}`);
      stream.addEventListener('rows', ({ data }: MessageEvent<string>) => {
        const { rows, more, first } = JSON.parse(data) as Rows;
        if (first) arriving = new Map();
        if (!arriving) {
          return change((known) => {
            for (const row of rows) known.set(row.key, row);
          });
        }
        for (const row of rows) arriving.set(row.key, row);
        if (more) return;
        const whole = arriving;
        arriving = undefined;
        setTable({ rows: whole, state: 'live' });
      });
      stream.addEventListener('gone', ({ data }: MessageEvent<string>) => {
        const { keys } = JSON.parse(data) as { keys: string[] };
        change((known) => {
          for (const key of keys) known.delete(key);
        });
      });
      stream.addEventListener('usage', ({ data }: MessageEvent<string>) => {
        const pulse = JSON.parse(data) as Pulse;
        const at = new Date().toISOString();
        setTable(({ rows }) => ({ rows: withPulse(rows, pulse, at), state: 'live' }));
      });
      stream.onopen = () => {
        wait = AGAIN.first;
      };
      stream.onerror = () => {
        setTable((now) => ({ ...now, state: 'lost' }));
        if (stream.readyState !== EventSource.CLOSED) return;
        timer = setTimeout(open, wait);
        wait = Math.min(wait * 2, AGAIN.last);
      };
    };
    open();
    return () => {
      clearTimeout(timer);
      stream.close();
    };
  }, [enabled]);
  return table;
}
