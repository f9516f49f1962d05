import { useEffect, useRef } from 'react';

/** Changes come in bursts; what follows from them can wait for the end of one, ms. */
const CALM = 1_000;

/** Calls `act` when `sign` becomes another one, a moment later. Undefined: nothing is known yet. */
export function useFollow(sign: string | undefined, act: () => void, wait = CALM): void {
  const known = useRef(sign);
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (sign === undefined || sign === known.current) return;
    const first = known.current === undefined;
    known.current = sign;
    if (first) return;
    const timer = setTimeout(() => latest.current(), wait);
    return () => clearTimeout(timer);
  }, [sign, wait]);
}
