import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError, get } from './client.ts';

export interface Loaded<T> {
  /** Stays while newer data is on its way, so that a list does not flicker under somebody who types. */
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  reload(): void;
}

/** What the API says at `path`; asks again when the path changes. Without a path it waits. */
export function useLoad<T>(path: string | undefined): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: ApiError; loading: boolean }>({ loading: path !== undefined });
  const [round, setRound] = useState(0);
  const shown = useRef(path);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` is asked for again
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    // The data of another thing is not this one's, however much it looks like it.
    const same = shown.current?.split('?')[0] === path.split('?')[0];
    shown.current = path;
    setState(({ data }) => ({ ...(same && data !== undefined && { data }), loading: true }));
    get<T>(path, abort.signal).then(
      (data) => setState({ data, loading: false }),
      (cause: unknown) => {
        if (abort.signal.aborted) return;
        const error =
          cause instanceof ApiError ? cause : new ApiError(String(cause), { status: 0, code: 'unexpected' });
        setState(({ data }) => ({ ...(data !== undefined && { data }), error, loading: false }));
      },
    );
    return () => abort.abort();
  }, [path, round]);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  return { data: state.data, error: state.error, loading: state.loading, reload };
}
