/** A backup file, and what opens it. */
import { Field } from "./action.tsx";
import { read } from "./read.ts";

export function BackupFields() {
  return (
    <>
      <Field label="Backup file" name="backup" type="file" required accept=".txt,text/plain" />
      <Field label="Its recovery key or passphrase" name="key" type="password" autocomplete="off" required />
    </>
  );
}

/** Files of up to 12 MiB: the longest backup there is, as text. */
export async function readBackup(form: HTMLFormElement): Promise<string> {
  const file = (form.elements.namedItem("backup") as HTMLInputElement).files?.[0];
  return file ? read(file.slice(0, 12 << 20).text()) : "";
}
