import type { Json, Store } from '@atrium/sdk';

/** Something a running machine is to do; told with its next heartbeat, and again until it says that it is done. */
export type Task =
  | { id: string; kind: 'restore'; volume: string; into: string }
  | { id: string; kind: 'grow' }
  | { id: string; kind: 'flush' };

/** What became of a task. */
export type TaskResult = { id: string; ok: boolean; message: string; at: number };

type Entry = { task: Task; result: TaskResult | null };

/* One key per task, so that a new one and a result never overwrite each other: `task/<server>/<id>`. */
const prefixOf = (server: string): string => `task/${server}/`;
const keyOf = (server: string, id: string): string => `${prefixOf(server)}${id}`;

/** Asks for it; the same id is asked for once. */
export async function addTask(store: Store, server: string, task: Task): Promise<void> {
  await store.claim(keyOf(server, task.id), { task, result: null } as Json);
}

/** What its machine still has to do. */
export async function openTasks(store: Store, server: string): Promise<Task[]> {
  const entries = await store.entries(prefixOf(server));
  return entries.flatMap(([, value]) => ((value as Entry).result ? [] : [(value as Entry).task]));
}

/** Null while it is not done; undefined when it was never asked for, or was dropped. */
export async function taskResult(store: Store, server: string, id: string): Promise<TaskResult | null | undefined> {
  return ((await store.get(keyOf(server, id))) as Entry | undefined)?.result;
}

export async function dropTask(store: Store, server: string, id: string): Promise<void> {
  await store.delete(keyOf(server, id));
}

/** Takes a machine's word for the outcome of a task that it was given. */
export async function finishTask(store: Store, server: string, result: TaskResult): Promise<void> {
  const key = keyOf(server, result.id);
  const seen = await store.get(key);
  if (seen !== undefined) await store.swap(key, seen, { ...(seen as Entry), result } as Json);
}
