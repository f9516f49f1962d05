import type { ChildProcess } from 'node:child_process';
import type { ServiceListener, ServiceRunner } from '@atrium/hub/services';
import { CommandError } from '../cli/command.ts';
import type { HelperServer } from '../process/helper-server.ts';
import type { FromHub, PublicSettings, ToHub, VerbAnswer } from '../process/messages.ts';
import { endOf, stopChild } from './stop-child.ts';

/** How long one that could not start may take to end. */
const FAILED_MS = 3_000;

/** A hub process that loaded its configuration and waits for `go`. */
export interface HubChild {
  readonly pid: number;
  readonly settings: PublicSettings;
  /** Resolves with what it warns of once it serves; rejects when it could not. */
  go(message: Omit<Extract<ToHub, { type: 'go' }>, 'type'>): Promise<readonly string[]>;
  /** Only of a hub in `offline` mode. */
  verb(verb: string, input: unknown): Promise<VerbAnswer>;
  /** Resolves once it is gone, with how it ended. */
  readonly ended: Promise<string>;
  /** Asks it to end; kills it when it takes longer than `deadlineMs`. */
  stop(deadlineMs?: number): Promise<void>;
}

export interface HubListeners {
  /** What root does for its plug-ins; undefined when it does everything itself. */
  helper?: HelperServer | undefined;
  onFirstAdmin?(link: { path: string; expiresAt: number }): void;
  /** Runs the services of the configuration, also while there is no hub. */
  services?: ServiceRunner;
  /** Somebody asked it to end everything. */
  onShutdown?(): void;
}

/**
 * Waits until a hub process has loaded.
 * @throws CommandError with the process's own words when it could not.
 */
export async function hubChild(
  child: ChildProcess,
  listeners: HubListeners | Promise<HubListeners> = {},
): Promise<HubChild> {
  const loaded = Promise.withResolvers<PublicSettings>();
  const ready = Promise.withResolvers<readonly string[]>();
  const verbs = new Map<number, PromiseWithResolvers<VerbAnswer>>();
  const ended = endOf(child);
  let lastVerb = 0;
  let over = false;
  void ended.then(() => {
    over = true;
  });
  // Only one of them has somebody waiting at a time.
  ready.promise.catch(() => {});
  const fail = (problem: string) => {
    const error = new CommandError(problem);
    for (const result of [loaded, ready, ...verbs.values()]) result.reject(error);
  };
  const send = (message: ToHub) => {
    // A hub that is gone needs no answer; the end of the process is told elsewhere.
    if (child.connected) child.send(message, () => {});
  };

  const onService: ServiceListener = (event) => send({ type: 'service-event', event });
  void ended.then(async () => (await listeners).services?.unlisten(onService)).catch(() => {});

  const handle = async (message: FromHub) => {
    if (message.type === 'loaded') return loaded.resolve(message.settings);
    if (message.type === 'failed') {
      fail(message.problem);
      return stopChild(child, ended, FAILED_MS);
    }
    const { helper, onFirstAdmin, services, onShutdown } = await listeners;
    switch (message.type) {
      case 'ready':
        return ready.resolve(message.warnings);
      case 'first-admin':
        return onFirstAdmin?.(message);
      case 'services':
        return over ? undefined : services?.settle(message.order);
      case 'services-listen':
        return over ? undefined : services?.listen(onService);
      case 'shutdown':
        return onShutdown?.();
      case 'identity':
        return helper?.identify(message.hubId);
      case 'helper': {
        // Asked with its last breath: nobody is left to hear what came of it, and the next hub asks anew.
        if (over) return;
        const { id, plugin, verb, input } = message;
        const answer = helper
          ? await helper.answer(plugin, verb, input)
          : { ok: false as const, message: 'There is no root helper' };
        return send({ type: 'helper-answer', id, answer });
      }
      case 'result':
        verbs.get(message.id)?.resolve(message.answer);
        verbs.delete(message.id);
    }
  };
  child.on('message', (message) => void handle(message as FromHub).catch((error: Error) => fail(error.message)));
  void ended.then((how) => fail(`The hub ended while it started (${how}).`));

  const settings = await loaded.promise;
  return {
    pid: child.pid!,
    settings,
    ended,
    async go(message) {
      // What root still does for a hub that was killed must not come after what this one finds and asks for: a launch
      // that is late would run beside the next, or be an orphan.
      await (await listeners).helper?.idle();
      send({ type: 'go', ...message });
      return ready.promise;
    },
    verb(verb, input) {
      const id = ++lastVerb;
      const result = Promise.withResolvers<VerbAnswer>();
      verbs.set(id, result);
      send({ type: 'verb', id, verb, input });
      return result.promise;
    },
    stop: (deadlineMs) => stopChild(child, ended, deadlineMs),
  };
}
