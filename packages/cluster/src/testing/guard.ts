import type { AnyClient } from '../aws/clients.ts';

/** Ends a command at a call, as if its process had been killed there: nothing it does later reaches AWS. */
export interface Guard {
  /** Which call that changes something, counted from 1. */
  at: number;
  /** Before it is sent, or after AWS did it and before the answer is read. */
  when: 'before' | 'after';
  /** Calls that changed something so far. */
  count: number;
  killed: boolean;
}

export const killAt = (at: number, when: Guard['when']): Guard => ({ at, when, count: 0, killed: false });

export class Killed extends Error {
  override readonly name = 'Killed';
}

const CHANGES = /^(?!Describe|Get|List)/;

/** For `awsClients`: every client obeys the guard. */
export const guarded =
  (guard: Guard) =>
  (client: AnyClient): void => {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (guard.killed) throw new Killed('The process is gone');
        const { commandName = '' } = context as { commandName?: string };
        const isDry = (args.input as { DryRun?: boolean }).DryRun === true;
        const isIt = !isDry && CHANGES.test(commandName) && ++guard.count === guard.at;
        if (isIt && guard.when === 'before') guard.killed = true;
        if (guard.killed) throw new Killed(`Killed before ${commandName}`);
        const result = await next(args);
        if (isIt) guard.killed = true;
        if (guard.killed) throw new Killed(`Killed after ${commandName}`);
        return result;
      },
      { step: 'initialize', name: 'atriumGuard', priority: 'high' },
    );
  };
