/** Outside: an encrypted file and a backup are enough to read it, whatever has become of the service. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { openBackup, type Reader } from "../entry.ts";
import { prepare } from "../keys.ts";
import { ActionForm, field, useAction } from "../parts/action.tsx";
import { BackupFields, readBackup } from "../parts/backup-fields.tsx";
import { OpenFile } from "../parts/open-file.tsx";

export function Offline({ more }: { more: ComponentChildren }) {
  const action = useAction();
  const reader = useSignal<Reader | undefined>(undefined);
  useEffect(prepare, []);
  const isOver = useRef(false);
  // The keys end with this screen.
  useEffect(() => () => {
    isOver.current = true;
    reader.value?.close();
  }, []);
  const open = async (form: HTMLFormElement) => {
    const opened = await openBackup(await readBackup(form), field(form, "key"));
    if (isOver.current) opened.close();
    else reader.value = opened;
  };
  return (
    <section class="card">
      <h1>Open encrypted file</h1>
      {reader.value ? <OpenFile opener={reader.value.restored} nameOf={(device) => `device ${device.slice(0, 8)}`} /> : (
        <ActionForm action={action} submit="Open the backup" working="Opening the backup…" onSubmit={open}>
          <p>An archive or a sealed file opens with your backup. Nothing is sent anywhere: no service is needed.</p>
          <BackupFields />
        </ActionForm>
      )}
      <p class="buttons">{more}</p>
    </section>
  );
}
