/** What a look at the server's kernels or terminals found. */
export interface Work {
  /** Newest work, ms; undefined when there was none. */
  at: number | undefined;
  busy: boolean;
  count: number;
}

/**
 * Reads Jupyter Server's list of kernels or terminals. A kernel that nobody ever connected to stays `starting`: idle.
 * Open connections say nothing: a tab that was left open is not work.
 */
export function newestWork(body: string): Work {
  let list: unknown;
  try {
    list = JSON.parse(body);
  } catch {
    return { at: undefined, busy: false, count: 0 };
  }
  if (!Array.isArray(list)) return { at: undefined, busy: false, count: 0 };
  const times = list
    .map((item: { last_activity?: unknown } | null) => Date.parse(String(item?.last_activity)))
    .filter((at) => !Number.isNaN(at));
  return {
    at: times.length > 0 ? Math.max(...times) : undefined,
    busy: list.some((item: { execution_state?: unknown } | null) => item?.execution_state === 'busy'),
    count: list.length,
  };
}
