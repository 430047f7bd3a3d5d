/** Outside: logging in, making an account, getting back in after a lost password, and reading a sealed file with a backup. */
import { useSignal } from "@preact/signals";
import type { AccountSecret } from "blindtally";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { type Credentials, logIn, newAccountSecret, restore, signUp } from "../entry.ts";
import { setBackupOwed } from "../memory.ts";
import { ActionForm, Check, Failure, field, Field, isChecked, useAction } from "../parts/action.tsx";
import { BackupFields, readBackup } from "../parts/backup-fields.tsx";
import { AccountSecretChoice, NewPassword, newPassword } from "../parts/new-password.tsx";
import { Copy, Secret } from "../parts/secret.tsx";
import { enter, forget, start } from "../stage.ts";
import { Offline } from "./offline.tsx";

type View = "log-in" | "sign-up" | "lost" | "offline";

export function Door({ login, error, isKept }: { login: string; error: unknown; isKept: boolean }) {
  const view = useSignal<View>("log-in");
  const go = (to: View, label: string) => <button type="button" class="plain" onClick={() => view.value = to}>{label}</button>;
  useEffect(() => {
    document.title = `${{ "log-in": "Log in", "sign-up": "Enable encryption", lost: "Lost password", offline: "Open encrypted file" }[view.value]} · Blindtally`;
  }, [view.value]);
  return (
    <main class="door">
      <p class="brand"><img src="./icon.svg" alt="" width="28" height="28" />Blindtally</p>
      {isKept && <Kept />}
      {view.value === "log-in" && <LogIn login={login} error={error} more={<>{go("sign-up", "Enable encryption")} {go("lost", "Lost your password?")} {go("offline", "Open encrypted file")}</>} />}
      {view.value === "sign-up" && <SignUp more={go("log-in", "I have an account")} />}
      {view.value === "lost" && <Lost more={go("log-in", "Back")} />}
      {view.value === "offline" && <Offline more={go("log-in", "Back")} />}
    </main>
  );
}

/** What a browser that stays unlocked shows when it could not get in just now. */
function Kept() {
  return (
    <section class="card" aria-labelledby="kept">
      <h2 id="kept">This browser stays unlocked</h2>
      <p>It could not get in just now. Whoever uses it can, until you lock it.</p>
      <p class="buttons">
        <button onClick={() => void start()}>Try again</button>
        <button onClick={() => void forget()}>Lock</button>
      </p>
    </section>
  );
}

function LogIn({ login, error, more }: { login: string; error: unknown; more: ComponentChildren }) {
  const action = useAction();
  const withSecret = useSignal(false);
  const submit = async (form: HTMLFormElement) => {
    const accountSecret = withSecret.value ? field(form, "secret") : undefined;
    const account = await logIn({ login: field(form, "login"), password: field(form, "password"), accountSecret });
    await enter(account, isChecked(form, "stay"));
  };
  return (
    <section class="card">
      <h1>Log in</h1>
      {!action.busy && action.error === undefined && <Failure error={error} />}
      <ActionForm action={action} submit="Log in" working="Unlocking…" onSubmit={submit}>
        <Field label="Name" name="login" autocomplete="username" required defaultValue={login} spellcheck={false} />
        <Field label="Password" name="password" type="password" autocomplete="current-password" required />
        <Check label="I have an account secret" checked={withSecret.value} onChange={(event) => withSecret.value = event.currentTarget.checked} />
        {withSecret.value && <Field label="Account secret" name="secret" autocomplete="off" required spellcheck={false} />}
        <Check
          name="stay"
          label="Stay unlocked in this browser"
          hint="Only on a computer of your own: whoever can use this browser can then read everything, until you lock or change the password."
        />
      </ActionForm>
      <p class="buttons">{more}</p>
    </section>
  );
}

function SignUp({ more }: { more: ComponentChildren }) {
  return (
    <NewCredentials
      title="Enable encryption"
      submit="Enable encryption"
      working="Making your keys…"
      more={more}
      use={(_, credentials) => signUp(credentials)}
      intro={
        <p>
          From now on, computers seal what they record before it leaves them. The service adds up the time, but only you can
          read what for. Once on, encryption cannot be switched off again.
        </p>
      }
    />
  );
}

function Lost({ more }: { more: ComponentChildren }) {
  return (
    <NewCredentials
      title="Lost password"
      submit="Restore the account"
      working="Restoring…"
      more={more}
      use={async (form, credentials) => {
        const account = await restore({ ...credentials, backup: await readBackup(form), key: field(form, "key") });
        setBackupOwed(account.info.value.account, true);
        return account;
      }}
      intro={
        <>
          <p>With a backup file and what opens it, you choose a new password. Nothing that was recorded is lost.</p>
          <BackupFields />
        </>
      }
    />
  );
}

/** A name, a new password and, if wanted, an account secret, which is written down before it is used. */
function NewCredentials({ title, intro, submit, working, more, use }: {
  title: string;
  intro: ComponentChildren;
  submit: string;
  working: string;
  more: ComponentChildren;
  use: (form: HTMLFormElement, credentials: Credentials) => ReturnType<typeof signUp>;
}) {
  const action = useAction();
  const secret = useSignal<AccountSecret | undefined>(undefined);
  const wantsSecret = useSignal(false);
  const onSubmit = async (form: HTMLFormElement) => {
    const password = newPassword(form);
    if (password === undefined) return;
    if (wantsSecret.value && !secret.value) {
      secret.value = await newAccountSecret();
      return;
    }
    const accountSecret = wantsSecret.value ? field(form, "typed-secret") : undefined;
    await enter(await use(form, { login: field(form, "login"), password, accountSecret }), false);
  };
  return (
    <section class="card">
      <h1>{title}</h1>
      <ActionForm action={action} submit={submit} working={working} onSubmit={onSubmit}>
        {intro}
        <Field label="Name" name="login" autocomplete="username" required hint="For example your e-mail address." spellcheck={false} />
        <NewPassword />
        <AccountSecretChoice onChange={(wants) => wantsSecret.value = wants} />
        {wantsSecret.value && secret.value && (
          <div role="group" aria-label="Account secret">
            <Secret bytes={secret.value} label="Your account secret. It is shown only now: write it down, or save it where you save passwords." />
            <p><Copy bytes={secret.value} label="Copy" /></p>
            <Field label="Type the account secret from what you wrote down" name="typed-secret" autocomplete="off" required spellcheck={false} />
          </div>
        )}
      </ActionForm>
      <p class="buttons">{more}</p>
    </section>
  );
}
