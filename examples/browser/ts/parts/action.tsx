/** What a person sets off and waits for: one at a time, with its error in words beside it. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { codeOf, explain } from "../explain.ts";

export interface Action {
  readonly busy: boolean;
  readonly error: unknown;
  /** `then` is given what came of it, unless the person has locked or gone elsewhere meanwhile. */
  run<T>(work: () => Promise<T>, then?: (result: T) => void): void;
}

export function useAction(): Action {
  const busy = useSignal(false);
  const error = useSignal<unknown>(undefined);
  const mounted = useRef(true);
  useEffect(() => () => void (mounted.current = false), []);
  return {
    get busy() { return busy.value; },
    get error() { return error.value; },
    run(work, then) {
      if (busy.value) return;
      [busy.value, error.value] = [true, undefined];
      void work().then((result) => {
        if (mounted.current) then?.(result);
      }).catch((failure: unknown) => {
        if (mounted.current) error.value = failure;
      }).finally(() => {
        if (mounted.current) busy.value = false;
      });
    },
  };
}

/** The error, if there is one; announced by screen readers when it comes. */
export function Failure({ error }: { error: unknown }) {
  return <div role="alert">{error !== undefined && <p class="failure" data-code={codeOf(error)}>{explain(error)}</p>}</div>;
}

/** A form that does something: its fields, its error, its buttons. */
export function ActionForm({ action, submit, working, children, more, onSubmit }: {
  action: Action;
  /** What the button says, and says while it works. */
  submit: string;
  working: string;
  children: ComponentChildren;
  /** Further buttons. */
  more?: ComponentChildren;
  onSubmit: (form: HTMLFormElement) => Promise<unknown>;
}) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget as HTMLFormElement;
        action.run(() => onSubmit(form));
      }}
    >
      {children}
      <Failure error={action.error} />
      <p class="buttons">
        {/* Not disabled: that would take the focus away from who works with the keyboard. */}
        <button class="primary" aria-disabled={action.busy}>{action.busy ? working : submit}</button>
        {more}
      </p>
    </form>
  );
}

/** A field with its label, and a hint below it. */
export function Field({ label, name, type = "text", hint, ...input }: {
  label: string;
  name: string;
  type?: "text" | "password" | "number" | "file" | "date" | "search";
  hint?: ComponentChildren;
  autocomplete?: string;
  autofocus?: boolean;
  required?: boolean;
  value?: string;
  defaultValue?: string;
  accept?: string;
  min?: number;
  max?: number;
  minLength?: number;
  pattern?: string;
  title?: string;
  spellcheck?: boolean;
}) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>
      {/* Preact's types tie roles to each type; there are none here. */}
      <input id={id} name={name} type={type as "text"} {...hint !== undefined && { "aria-describedby": `${id}-hint` }} {...input} />
      {hint && <span id={`${id}-hint`} class="hint">{hint}</span>}
    </p>
  );
}

/** A box to tick, with what it means below it. */
export function Check({ label, hint, ...input }: {
  label: string;
  hint?: ComponentChildren;
  name?: string;
  checked?: boolean;
  defaultChecked?: boolean;
  disabled?: boolean;
  onChange?: (event: { readonly currentTarget: HTMLInputElement }) => void;
}) {
  const id = useId();
  return (
    <p class="check">
      <input type="checkbox" id={id} {...hint !== undefined && { "aria-describedby": `${id}-hint` }} {...input} />
      <span>
        <label for={id}>{label}</label>
        {hint && <span id={`${id}-hint`} class="hint">{hint}</span>}
      </span>
    </p>
  );
}

/** What is in a field of a form. */
export function field(form: HTMLFormElement, name: string): string {
  const input = form.elements.namedItem(name);
  return input instanceof HTMLInputElement ? input.value : "";
}

export function isChecked(form: HTMLFormElement, name: string): boolean {
  const input = form.elements.namedItem(name);
  return input instanceof HTMLInputElement && input.checked;
}
