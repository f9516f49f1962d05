import { type Fault, type HelperClient, type Json, SpawnFault } from '@atrium/sdk';
import type { HelperAnswer } from './messages.ts';

/** The hub's end of the helper's channel. */
export interface HelperChannel {
  clientFor(plugin: string): HelperClient;
  settle(id: number, answer: HelperAnswer): void;
}

/** `ask` sends one request; answers come back, in any order, through `settle`. */
export function helperChannel(
  ask: (request: { id: number; plugin: string; verb: string; input: unknown }) => void,
): HelperChannel {
  const waiting = new Map<number, PromiseWithResolvers<Json>>();
  let last = 0;
  return {
    clientFor: (plugin) => ({
      call(verb, input) {
        const id = ++last;
        const result = Promise.withResolvers<Json>();
        waiting.set(id, result);
        ask({ id, plugin, verb, input });
        return result.promise;
      },
    }),
    settle(id, answer) {
      const result = waiting.get(id);
      waiting.delete(id);
      if (answer.ok) return result?.resolve(answer.value);
      const error = answer.fault
        ? new SpawnFault(answer.fault as unknown as Fault) // our own helper sent it, from a SpawnFault of its own
        : Object.assign(new Error(answer.message), answer.code ? { code: answer.code } : {});
      result?.reject(error);
    },
  };
}
