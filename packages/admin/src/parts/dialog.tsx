import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import { t } from '../strings/index.ts';

/** A question or a longer task over the page. The browser keeps the focus in it; Escape closes it, and the focus is where it was. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <div className="row between">
        <h2 id={id}>{title}</h2>
        <button type="button" className="quiet" onClick={close}>
          {t.close}
        </button>
      </div>
      {children}
    </dialog>
  );
}
