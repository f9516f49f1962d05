import { setTimeout as delay } from 'node:timers/promises';
import { type HelperContext, type HelperDefinition, type Json, SpawnFault } from '@atrium/sdk';
import type { HelperAnswer } from './messages.ts';

/** What the helper knows by itself; which installation it serves comes from the hub, once. */
export type HelperSettings = Omit<HelperContext, 'hubId'>;

export interface HelperServer {
  /** The hub says which installation it is; a second, other name is refused. */
  identify(hubId: string): void;
  answer(plugin: string, verb: string, input: unknown): Promise<HelperAnswer>;
  /** Resolves when nothing is under way, at the latest after `IDLE_MS`. */
  idle(): Promise<void>;
}

/** A verb that hangs on a dead disk must not keep the next hub away for ever. */
const IDLE_MS = 10_000;

/**
 * The only code that runs as root beside the supervisor: the closed lists of verbs that first-party plug-ins ship.
 * It takes requests from its own hub's channel and trusts nothing in them.
 */
export function helperServer(definitions: readonly HelperDefinition[], settings: HelperSettings): HelperServer {
  const lists = new Map(definitions.map((definition) => [definition.id, definition.verbs]));
  const underWay = new Set<Promise<HelperAnswer>>();
  let hubId: string | undefined;

  const run = async (plugin: string, name: string, input: unknown): Promise<Json> => {
    const verbs = lists.get(plugin);
    const verb = verbs && Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (!verb) throw new Error(`The helper has no verb ${name} for ${plugin}`);
    if (hubId === undefined) throw new Error('The helper does not know yet which hub it serves');
    const parsed = verb.input.safeParse(input);
    if (!parsed.success) throw new Error(`The helper refuses the input of ${name}: ${parsed.error.issues[0]?.message}`);
    return ((await verb.run(parsed.data as never, { ...settings, hubId })) ?? null) as Json;
  };

  return {
    identify(given) {
      if (hubId !== undefined && hubId !== given) throw new Error('The hub changed its identity');
      hubId = given;
    },
    async answer(plugin, verb, input) {
      const answer = run(plugin, verb, input).then(
        (value): HelperAnswer => ({ ok: true, value }),
        (error: Error & { code?: string }): HelperAnswer => ({
          ok: false,
          message: error.message,
          ...(typeof error.code === 'string' ? { code: error.code } : {}),
          ...(error instanceof SpawnFault ? { fault: error.fault as unknown as Json } : {}), // a fault is made of texts
        }),
      );
      underWay.add(answer);
      await answer;
      underWay.delete(answer);
      return answer;
    },
    async idle() {
      const timer = new AbortController();
      const late = delay(IDLE_MS, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([Promise.all(underWay), late]);
      timer.abort();
    },
  };
}
