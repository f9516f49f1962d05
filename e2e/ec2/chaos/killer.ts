import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import type { InnerPlace, Kill } from './place.ts';

export interface Killer {
  /** From now on effects are counted; null: none is. */
  arm(kill: Kill | null): void;
}

const WRITES = /^\s*(insert|update|delete|commit)\b/i;

/** Watches this process's effects and ends it by SIGKILL at the one that was armed. `ec2` is host and port of the simulator. */
export function installKiller(ec2: string): Killer {
  let armed: Kill | null = null;
  let count = 0;

  const reached = (place: InnerPlace, what: string) => {
    if (armed?.place !== place || ++count !== armed.nth) return;
    // Written at once: after the signal there is no more turn of the loop.
    writeSync(1, `${JSON.stringify({ place, what })}\n`);
    process.kill(process.pid, 'SIGKILL');
  };

  watchStore(reached);
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { request: ClientRequest };
    if (request.getHeader('host') === ec2) reached('call unsent', '');
  });
  subscribe('http.client.response.finish', (message) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    if (request.getHeader('host') === ec2) response.once('end', () => reached('call answered', ''));
  });
  subscribe('http.server.response.finish', (message) => {
    const { request } = message as { request: IncomingMessage };
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (request.method !== 'GET')
      reached('request answered', `${request.method} ${path.replace(/users\/[^/]+/, 'users/…')}`);
  });

  return {
    arm(kill) {
      armed = kill;
      count = 0;
    },
  };
}

/** Node has no channel for SQLite, and this process is made to be killed: its own classes tell of each durable write. */
function watchStore(reached: (place: InnerPlace, what: string) => void): void {
  const texts = new WeakMap<StatementSync, { db: DatabaseSync; sql: string }>();
  const prepare = DatabaseSync.prototype.prepare;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
    const statement = prepare.call(this, sql, ...rest);
    if (WRITES.test(sql)) texts.set(statement, { db: this, sql });
    return statement;
  };
  for (const name of ['run', 'all'] as const) {
    const original = StatementSync.prototype[name] as (...values: unknown[]) => unknown;
    StatementSync.prototype[name] = function (this: StatementSync, ...values: unknown[]) {
      const text = texts.get(this);
      // Within a transaction nothing lasts before its end.
      if (!text || (text.db.isTransaction && !/^\s*commit/i.test(text.sql))) return original.apply(this, values);
      const what = describe(text.sql, values);
      reached('store before', what);
      const result = original.apply(this, values);
      reached('store after', what);
      return result;
    } as never;
  }
}

/** `update servers`, `insert plugin_store instance/`. */
function describe(sql: string, values: readonly unknown[]): string {
  const [verb = '', table = ''] = /^\s*(\w+)(?:\s+(?:into|from|or\s+\w+\s+into))?\s*"?(\w*)/i.exec(sql)?.slice(1) ?? [];
  const key = values.find((value) => typeof value === 'string' && /^[a-z-]+\//.test(value)) as string | undefined;
  return [verb.toLowerCase(), table, table === 'plugin_store' && key ? key.slice(0, key.indexOf('/') + 1) : '']
    .filter(Boolean)
    .join(' ');
}
