import { type ReactNode, useLayoutEffect, useRef } from 'react';

interface ScrollerProps {
  label: string;
  /** Begins at its end, as a log does; there again whenever this changes. */
  fromEnd?: unknown;
  children: ReactNode;
}

/** Something long in a frame of its own, which the keyboard can scroll too. */
export function Scroller({ label, fromEnd, children }: ScrollerProps) {
  const ref = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (fromEnd !== undefined && ref.current) ref.current.scrollTop = ref.current.scrollHeight;
  }, [fromEnd]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to reach it
    <section ref={ref} className="scroll tall-scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
