import type { ReactNode } from 'react';

/** The shapes of the other pages: a state has one as well as a colour, and the word beside it. */
const SHAPES = {
  running: <circle cx="8" cy="8" r="5.5" fill="currentColor" />,
  starting: (
    <>
      <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="1.75" />
      <path d="M8 3a5 5 0 0 1 0 10z" fill="currentColor" />
    </>
  ),
  stopping: (
    <>
      <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="1.75" />
      <path d="M8 3a5 5 0 0 0 0 10z" fill="currentColor" />
    </>
  ),
  stopped: <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="1.75" />,
  problem: (
    <>
      <path d="M8 2 15 14H1z" fill="currentColor" />
      <path d="M8 6.5v3.6M8 11.6v.9" stroke="var(--surface)" strokeWidth="1.5" />
    </>
  ),
  queued: <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="1.75" strokeDasharray="2 2" />,
  done: <path d="m3 8.5 3.2 3L13 4.5" fill="none" stroke="currentColor" strokeWidth="2" />,
  up: <path d="M4 10l4-4 4 4" fill="none" stroke="currentColor" strokeWidth="1.75" />,
  down: <path d="M4 6l4 4 4-4" fill="none" stroke="currentColor" strokeWidth="1.75" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {SHAPES[name]}
    </svg>
  );
}
