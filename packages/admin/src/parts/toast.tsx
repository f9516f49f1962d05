import { type ReactNode, useSyncExternalStore } from 'react';
import { t } from '../strings/index.ts';

interface Toast {
  text: string;
  bad: boolean;
  undo: (() => void) | undefined;
}

const listeners = new Set<() => void>();
let current: Toast | undefined;

function show(toast: Toast | undefined): void {
  current = toast;
  for (const listener of listeners) listener();
}

/** Says what was done, with the way back where there is one. It stays until it is closed or something else is done. */
export function say(text: string, undo?: () => void): void {
  show({ text, bad: false, undo });
}

export function complain(cause: unknown): void {
  show({ text: cause instanceof Error ? cause.message : String(cause), bad: true, undo: undefined });
}

export const hush = (): void => show(undefined);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The place for it; the region is always there, so that a screen reader hears what comes into it. */
export function Toasts(): ReactNode {
  const toast = useSyncExternalStore(subscribe, () => current);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toast && (
        <div className={`toast note ${toast.bad ? 'bad' : 'ok'}`}>
          <span className="grow">{toast.text}</span>
          {toast.undo && (
            <button
              type="button"
              className="slim"
              onClick={() => {
                hush();
                toast.undo?.();
              }}
            >
              {t.undo}
            </button>
          )}
          <button type="button" className="quiet" onClick={hush}>
            {t.close}
          </button>
        </div>
      )}
    </div>
  );
}
