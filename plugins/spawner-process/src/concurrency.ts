/** Lets at most `limit` calls run at a time; the others wait their turn, in order. */
export function gate(limit: number): <T>(run: () => Promise<T>) => Promise<T> {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      // The place is handed on, so nobody who comes meanwhile can take it.
      if (next) next();
      else free += 1;
    }
  };
}

/** Like `Promise.all(items.map(run))`, at most `limit` at a time. */
export function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  run: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const turn = gate(limit);
  return Promise.all(items.map((item, at) => turn(() => run(item, at))));
}
