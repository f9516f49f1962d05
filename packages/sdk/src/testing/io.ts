import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Secret } from '../secret.ts';
import type { Io, Json, ServerIo, Store } from '../spawner.ts';

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  /** Moves on by `ms` and wakes everybody whose sleep is over, in order. */
  advance(ms: number): Promise<void>;
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let sleepers: { until: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal.reason);
        });
      }),
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = sleepers.filter(({ until }) => until <= end).toSorted((a, b) => a.until - b.until)[0];
        if (!next) break;
        sleepers = sleepers.filter((other) => other !== next);
        now = Math.max(now, next.until);
        next.wake();
        // Whoever was woken may go to sleep again before this advance is over.
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
    },
  };
}

/** A plug-in's storage that lives as long as the test: give the same one to a plug-in that is "opened anew". */
export function memoryStore(): Store {
  const values = new Map<string, string>();
  return {
    async get(key) {
      const text = values.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as Json);
    },
    async put(key, value) {
      values.set(key, JSON.stringify(value));
    },
    async delete(key) {
      values.delete(key);
    },
    async claim(key, value) {
      if (values.has(key)) return false;
      values.set(key, JSON.stringify(value));
      return true;
    },
    async swap(key, seen, value) {
      if (values.get(key) !== JSON.stringify(seen)) return false;
      values.set(key, JSON.stringify(value));
      return true;
    },
    async entries(prefix) {
      return [...values]
        .filter(([key]) => key.startsWith(prefix))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, text]) => [key, JSON.parse(text) as Json] as const);
    },
  };
}

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  facts: object;
  message: string;
}

/** A log that can be read. */
export function memoryLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (facts: object, message: string) =>
    void lines.push({ level, facts, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** What the row of one start keeps for `save` and `attempt`: survives the hub. */
export interface Attempts {
  get(key: string): Json | undefined;
  set(key: string, value: Json): unknown;
}

/** Which start a `ServerIo` is about; everything has a default. */
export interface TestServer {
  id?: string;
  generation?: number;
  user?: string;
  name?: string;
  prefix?: string;
  env?: Record<string, string>;
  token?: string;
}

/** An `Io` on real time with a store and a log of its own, unless given others. */
export function testIo(parts: Partial<Io> = {}): Io {
  return {
    clock: parts.clock ?? { now: () => Date.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    log: parts.log ?? memoryLog(),
    signal: parts.signal ?? new AbortController().signal,
    store: parts.store ?? memoryStore(),
  };
}

/** The same about one server, with an environment like the hub's (contract §1.1). */
export function testServerIo(
  server: TestServer = {},
  parts: Partial<Io> = {},
  attempts: Attempts = new Map(),
): ServerIo {
  const { id = 'testserver01', generation = 1, user = 'ada', name = '' } = server;
  const prefix = server.prefix ?? `/user/${encodeURIComponent(user)}/${name === '' ? '' : `${name}/`}`;
  const key = `${id}.${generation}`;
  return {
    ...testIo(parts),
    server: { id, generation, user, name, prefix },
    env: {
      JUPYTERHUB_USER: user,
      JUPYTERHUB_SERVER_NAME: name,
      JUPYTERHUB_SERVICE_PREFIX: prefix,
      JUPYTERHUB_BASE_URL: '/',
      JUPYTERHUB_API_URL: 'http://127.0.0.1:1/hub/api',
      JUPYTERHUB_ACTIVITY_URL: `http://127.0.0.1:1/hub/api/users/${encodeURIComponent(user)}/activity`,
      JUPYTERHUB_CLIENT_ID: `jupyterhub-user-${encodeURIComponent(user)}`,
      JUPYTERHUB_HOST: '',
      JUPYTERHUB_OAUTH_CALLBACK_URL: `${prefix}oauth_callback`,
      JUPYTERHUB_OAUTH_SCOPES: '[]',
      JUPYTERHUB_OAUTH_ACCESS_SCOPES: '[]',
      JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: '[]',
      ...server.env,
    },
    token: new Secret(server.token ?? 'f'.repeat(32), 'test'),
    attempt: attempts.get(key),
    save: async (attempt) => void attempts.set(key, attempt),
  };
}
