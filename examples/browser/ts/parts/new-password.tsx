/** Choosing a password, and whether there is an account secret beside it. */
import { Check, field, Field } from "./action.tsx";

/** Below this, stretching does not help much. The formats allow any. */
const SHORTEST = 12;

export function NewPassword({ label = "New password" }: { label?: string }) {
  const hint = `At least ${SHORTEST} characters; four or five random words are good. It never leaves this computer: nobody can send you a new one.`;
  return (
    <>
      <Field label={label} name="password" type="password" autocomplete="new-password" required minLength={SHORTEST} hint={hint} />
      <Field label="The same again" name="repeated" type="password" autocomplete="new-password" required />
    </>
  );
}

export function AccountSecretChoice({ onChange }: { onChange: (wants: boolean) => void }) {
  return (
    <Check
      onChange={(event) => onChange(event.currentTarget.checked)}
      label="Add an account secret"
      hint={"28 characters that you keep and type beside the password. Then not even somebody who steals the service's whole "
        + "database can guess at your password."}
    />
  );
}

/** What was typed, once it was typed twice. The browser shows what is wrong beside the field. */
export function newPassword(form: HTMLFormElement): string | undefined {
  const repeated = form.elements.namedItem("repeated") as HTMLInputElement;
  const password = field(form, "password");
  repeated.setCustomValidity(password === repeated.value ? "" : "The two passwords are not the same.");
  repeated.addEventListener("input", () => repeated.setCustomValidity(""), { once: true });
  return form.reportValidity() ? password : undefined;
}
