/** The platform's own modal dialog: it keeps the focus, gives it back, and Escape closes it. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export function Dialog({ title, isBusy = false, class: name, children, onClose }: {
  title: ComponentChildren;
  /** What was begun is not taken back: it stays open until that is done. */
  isBusy?: boolean;
  class?: string;
  children: ComponentChildren;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class={name} aria-labelledby={id} onCancel={(event) => isBusy && event.preventDefault()} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/** Closes the dialog that it is in. */
export function Cancel({ isBusy }: { isBusy: boolean }) {
  return <button type="button" aria-disabled={isBusy} onClick={(event) => isBusy || event.currentTarget.closest("dialog")?.close()}>Cancel</button>;
}

/** The same of one in which nothing is done. */
export function Close() {
  return <button type="button" onClick={(event) => event.currentTarget.closest("dialog")?.close()}>Close</button>;
}
