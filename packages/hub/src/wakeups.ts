import { EventEmitter } from 'node:events';
import { asHub } from './http/origin.ts';

/**
 * `servers`: a row wants the controller. `starts`: a start under way has something to look at (payload: server id).
 * `progress`: new event rows (payload: server id). `routes`: the table changed. `announcements`: so did those.
 * `certificates`: what proxies get of them changed. `shares`: somebody was given one. `applied`: what the proxies of a hub have of the routes (payload: hub, version).
 */
export type Channel =
  | 'servers'
  | 'starts'
  | 'progress'
  | 'routes'
  | 'applied'
  | 'announcements'
  | 'certificates'
  | 'shares';

/** Says that something changed, to every hub. Only a hint: whoever listens also polls now and then. */
export interface Wakeups extends AsyncDisposable {
  notify(channel: Channel, payload?: string): void;
  /** Returns the function that stops listening. */
  on(channel: Channel, listener: (payload: string) => void): () => void;
}

/** Within one process: enough on SQLite, where there is one hub. */
export function localWakeups(): Wakeups {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  return {
    // Whoever listens does so for itself, not for the request that happened to wake it.
    notify: (channel, payload = '') => void setImmediate(() => asHub(undefined, () => emitter.emit(channel, payload))),
    on(channel, listener) {
      emitter.on(channel, listener);
      return () => emitter.off(channel, listener);
    },
    async [Symbol.asyncDispose]() {
      emitter.removeAllListeners();
    },
  };
}
