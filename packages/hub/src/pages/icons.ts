import { type Html, raw } from './html.ts';

const svg = (shape: string): Html =>
  raw(
    `<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">${shape}</svg>`,
  );

/** State has a shape as well as a colour; the word always stands beside it. */
export const ICONS = {
  running: svg('<circle cx="8" cy="8" r="5.5" fill="currentColor"/>'),
  starting: svg(
    '<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.75"/><path d="M8 3a5 5 0 0 1 0 10z" fill="currentColor"/>',
  ),
  stopping: svg(
    '<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.75"/><path d="M8 3a5 5 0 0 0 0 10z" fill="currentColor"/>',
  ),
  stopped: svg('<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.75"/>'),
  problem: svg(
    '<path d="M8 2 15 14H1z" fill="currentColor"/><path d="M8 6.5v3.6M8 11.6v.9" stroke="var(--surface)" stroke-width="1.5"/>',
  ),
  queued: svg(
    '<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.75" stroke-dasharray="2 2"/>',
  ),
  done: svg('<path d="m3 8.5 3.2 3L13 4.5" fill="none" stroke="currentColor" stroke-width="2"/>'),
  mark: svg(
    '<rect x="1.5" y="1.5" width="13" height="13" rx="3" fill="none" stroke="currentColor" stroke-width="1.75"/><path d="M5 14V8a3 3 0 0 1 6 0v6" fill="none" stroke="currentColor" stroke-width="1.75"/>',
  ),
} as const;

export type StateIcon = 'running' | 'starting' | 'stopping' | 'stopped' | 'problem' | 'queued';
