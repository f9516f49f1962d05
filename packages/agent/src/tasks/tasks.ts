import type { Log } from '@atrium/sdk';
import { textOf } from '../errors.ts';
import type { HubClient } from '../hub/client.ts';
import type { Task } from '../hub/protocol.ts';
import type { Account, Machine } from '../machine/machine.ts';
import type { RunFiles } from '../run-files.ts';
import { restore } from './restore.ts';

export interface TaskWorld {
  machine: Machine;
  hub: HubClient;
  files: RunFiles;
  log: Log;
  signal: AbortSignal;
  account: Account;
  home: string;
  session: string;
}

interface Outcome {
  ok: boolean;
  message?: string;
}

/** Does each task once, one after the other, and tells the hub; a task the hub gives again is only told again. */
export function taskQueue() {
  const under = new Set<string>();
  let queue: Promise<void> = Promise.resolve();

  return {
    /** Returns at once. */
    take(world: TaskWorld, tasks: readonly Task[]): void {
      for (const task of tasks) {
        if (under.has(task.id)) continue;
        under.add(task.id);
        queue = queue
          .then(() => doTask(world, task))
          .catch((error) =>
            world.log.warn({ task: task.id, error: textOf(error) }, 'a task could not be told to the hub'),
          )
          .finally(() => under.delete(task.id));
      }
    },
    /** Resolves when all that was taken is done. */
    settled: () => queue,
  };
}

async function doTask(world: TaskWorld, task: Task): Promise<void> {
  const { files, hub, log, session, signal } = world;
  const before = await files.isTaskDone(task.id);
  let outcome: Outcome;
  if (before !== undefined) outcome = JSON.parse(before) as Outcome;
  else {
    log.info({ task: task.id, kind: task.kind }, 'a task of the hub');
    outcome = await carryOut(world, task).then(
      (message) => ({ ok: true, ...(message ? { message } : {}) }),
      (error) => ({ ok: false, message: textOf(error) }),
    );
    await files.markTaskDone(task.id, JSON.stringify(outcome));
  }
  await hub.ask('task', { session, id: task.id, ...outcome }, signal);
}

async function carryOut({ machine, account, home }: TaskWorld, task: Task): Promise<string | undefined> {
  if (task.kind === 'grow') await machine.growHome();
  else if (task.kind === 'flush') await machine.flush();
  else return restore(machine, account, home, task);
  return undefined;
}
