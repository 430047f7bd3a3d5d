/** Password, backups, staying unlocked, new keys, and what the service sees of all this. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Account } from "../account.ts";
import { codeOf } from "../explain.ts";
import * as kept from "../kept.ts";
import { ActionForm, Check, Failure, useAction } from "../parts/action.tsx";
import { NewPassword, newPassword } from "../parts/new-password.tsx";
import { save } from "../parts/save.ts";
import { SideBySide } from "../parts/side-by-side.tsx";
import { leave, stayUnlocked } from "../stage.ts";
import { backupName, RecoveryBackup } from "./backup.tsx";

export function Security({ account }: { account: Account }) {
  return (
    <>
      <section class="card" aria-labelledby="what-it-sees">
        <h2 id="what-it-sees">What the service sees</h2>
        <SideBySide account={account} />
      </section>
      <ChangePassword account={account} />
      <Backups account={account} />
      <StayUnlocked account={account} />
      <NewKeys account={account} />
    </>
  );
}

function ChangePassword({ account }: { account: Account }) {
  const action = useAction();
  const done = useSignal(false);
  const submit = async (form: HTMLFormElement) => {
    const password = newPassword(form);
    if (password === undefined) return;
    try {
      await account.changePassword(password);
    } catch (error) {
      if (codeOf(error) === "dashboard.password-unclear") return leave(error);
      throw error;
    }
    form.reset();
    done.value = true;
    const id = account.info.value.account;
    if (!await kept.isKept(id)) return;
    // What was kept belongs to the old password.
    await kept.forget(id);
    await stayUnlocked(account);
  };
  return (
    <section class="card" aria-labelledby="change-password">
      <h2 id="change-password">Change the password</h2>
      <ActionForm action={action} submit="Change the password" working="Changing it…" onSubmit={submit}>
        <input type="hidden" autocomplete="username" value={account.info.value.login} />
        <NewPassword />
      </ActionForm>
      <div role="status">{done.value && <p>The password is changed. Everywhere else you have to log in anew; backups open as before.</p>}</div>
    </section>
  );
}

function Backups({ account }: { account: Account }) {
  const action = useAction();
  const view = useSignal<"choice" | "recovery-key" | "passphrase">("choice");
  const done = useSignal("");
  const finish = (words: string) => [view.value, done.value] = ["choice", words];
  return (
    <section class="card" aria-labelledby="backups">
      <h2 id="backups">Backups</h2>
      <p>A backup opens without the service, and brings you back in when the password is lost. Make a new one whenever keys have changed.</p>
      {view.value === "choice" && (
        <p class="buttons">
          <button onClick={() => view.value = "recovery-key"}>New backup with a recovery key</button>
          <button onClick={() => view.value = "passphrase"}>New backup with a passphrase</button>
        </p>
      )}
      {view.value === "recovery-key" && <RecoveryBackup account={account} onDone={() => finish("The backup opens with your recovery key.")} />}
      {view.value === "passphrase" && (
        <ActionForm
          action={action}
          submit="Save the backup file"
          working="Sealing it…"
          more={<button type="button" onClick={() => finish("")}>Cancel</button>}
          onSubmit={async (form) => {
            const passphrase = newPassword(form);
            if (passphrase === undefined) return;
            save(backupName(), await account.owner.backupWithPassphrase(passphrase));
            finish("The backup is saved. It opens with the passphrase that you typed, not with your password.");
          }}
        >
          <NewPassword label="Passphrase of the backup" />
        </ActionForm>
      )}
      <div role="status">{done.value && <p>{done}</p>}</div>
    </section>
  );
}

function StayUnlocked({ account }: { account: Account }) {
  const action = useAction();
  const stays = useSignal(false);
  useEffect(() => void kept.isKept(account.info.value.account).then((is) => stays.value = is), [account]);
  const set = async (on: boolean) => {
    stays.value = on;
    try {
      await (on ? stayUnlocked(account) : kept.forget(account.info.value.account));
    } catch (error) {
      stays.value = !on;
      throw error;
    }
  };
  return (
    <section class="card" aria-labelledby="staying">
      <h2 id="staying">This browser</h2>
      <Check
        label="Stay unlocked when this page is loaded again"
        hint="Only on a computer of your own. Lock ends it, and so does a new password."
        checked={stays.value}
        disabled={action.busy}
        onChange={(event) => {
          const { checked } = event.currentTarget;
          action.run(() => set(checked));
        }}
      />
      <Failure error={action.error} />
    </section>
  );
}

function NewKeys({ account }: { account: Account }) {
  const action = useAction();
  const { info, epoch } = account;
  return (
    <section class="card" aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <p>Fingerprint of the account: <code>{info.value.fingerprint}</code>. {epoch.value === 1 ? "Its keys were never changed." : `Its keys were changed ${epoch.value - 1} times.`}</p>
      <Failure error={action.error} />
      <p class="buttons">
        <button disabled={action.busy} onClick={() => action.run(() => account.change((owner) => owner.rotate()))}>
          {action.busy ? "Changing the keys…" : "Give all devices new keys"}
        </button>
        <span class="hint">Not needed in everyday life: revoking a device does it. Make a new backup afterwards.</span>
      </p>
    </section>
  );
}
