/** A backup with a recovery key: shown, saved, and shown to open before anything else. */
import { useSignal } from "@preact/signals";
import type { BackupText, RecoveryKey } from "blindtally";
import { useEffect } from "preact/hooks";
import type { Account } from "../account.ts";
import { setBackupOwed } from "../memory.ts";
import { ActionForm, Failure, field, Field, useAction } from "../parts/action.tsx";
import { save } from "../parts/save.ts";
import { Copy, Secret } from "../parts/secret.tsx";

/** What an owner sees first in a new account. */
export function FirstBackup({ account, onDone }: { account: Account; onDone: () => void }) {
  const done = () => {
    setBackupOwed(account.info.value.account, false);
    onDone();
  };
  return (
    <main class="door">
      <p class="brand"><img src="./icon.svg" alt="" width="28" height="28" />Blindtally</p>
      <section class="card">
        <h1>Your backup</h1>
        <p>If you lose the password, only this brings your data back: a file, and the key that opens it. Keep them in two places.</p>
        <RecoveryBackup account={account} onDone={done} />
      </section>
    </main>
  );
}

interface Made {
  readonly backup: BackupText;
  readonly recoveryKey: RecoveryKey;
}

export function RecoveryBackup({ account, onDone }: { account: Account; onDone: () => void }) {
  const making = useAction();
  const checking = useAction();
  const made = useSignal<Made | undefined>(undefined);
  const isSaved = useSignal(false);
  const isHidden = useSignal(false);
  useEffect(() => making.run(async () => made.value = await account.owner.backupWithRecoveryKey()), [account]);
  if (!made.value) return making.error === undefined ? <p role="status">Making the backup…</p> : <Failure error={making.error} />;
  const { backup, recoveryKey } = made.value;
  const saveFile = () => {
    save(backupName(), backup);
    isSaved.value = true;
  };
  return (
    <>
      <div hidden={isHidden}>
        <ol>
          <li><p>Save the file, and copy it to a place of its own. <button type="button" onClick={saveFile}>Save the backup file</button></p></li>
          <li>
            <Secret bytes={recoveryKey} label="Write down the recovery key. It is shown only now." />
            <p><Copy bytes={recoveryKey} label="Copy the key" /></p>
          </li>
        </ol>
        <p class="buttons"><button type="button" class="primary" disabled={!isSaved.value} onClick={() => isHidden.value = true}>I have saved both</button></p>
      </div>
      {isHidden.value && (
        <ActionForm
          action={checking}
          submit="Confirm"
          working="Opening the backup…"
          onSubmit={async (form) => {
            await account.tryBackup(backup, field(form, "recovery-key"));
            onDone();
          }}
          more={<button type="button" class="plain" onClick={() => isHidden.value = false}>Show the key again</button>}
        >
          <Field label="Type the recovery key from what you wrote down" name="recovery-key" autocomplete="off" required spellcheck={false} hint="The backup is opened with it, to be sure that it works." />
        </ActionForm>
      )}
    </>
  );
}

/** `blindtally-backup-2026-11-22.txt` */
export function backupName(): string {
  return `blindtally-backup-${new Date().toISOString().slice(0, 10)}.txt`;
}
