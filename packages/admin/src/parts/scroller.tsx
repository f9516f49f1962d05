import type { ReactNode } from 'react';

/** Something long in a frame of its own, which the keyboard can scroll too. */
export function Scroller({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to reach it
    <section className="scroll tall-scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
