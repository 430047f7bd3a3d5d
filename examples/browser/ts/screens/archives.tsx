/** Archives: everything of a period in one sealed file that opens without the service, and opening one. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Account } from "../account.ts";
import { type Exported, exportArchive, type Progress } from "../archive/export.ts";
import { explainCode } from "../explain.ts";
import { ActionForm, Check, isChecked, useAction } from "../parts/action.tsx";
import { bytes } from "../parts/bytes.ts";
import { Range } from "../parts/choose.tsx";
import { deviceName } from "../parts/device-name.tsx";
import { OpenFile } from "../parts/open-file.tsx";
import { save } from "../parts/save.ts";
import { type Period, periodOf, type Preset } from "../report/period.ts";

/** Of what was left out, so many are listed. */
const LISTED = 20;

export function Archives({ account }: { account: Account }) {
  return (
    <>
      <Export account={account} />
      <section class="card" aria-labelledby="open-file">
        <h2 id="open-file">Open a sealed file</h2>
        <OpenFile opener={account.owner} nameOf={(device) => deviceName(account, device)} />
      </section>
    </>
  );
}

function Export({ account }: { account: Account }) {
  const action = useAction();
  const range = useSignal<Preset | Period>("days30");
  const isEverything = useSignal(false);
  const progress = useSignal<Progress | undefined>(undefined);
  const done = useSignal<Exported | undefined>(undefined);
  const isStopped = useSignal(false);
  const abort = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const devices = account.devices.value;
  const submit = async (form: HTMLFormElement) => {
    const chosen = devices.filter(({ id }) => isChecked(form, id));
    const { signal } = abort.current = new AbortController();
    [progress.value, done.value, isStopped.value] = [undefined, undefined, false];
    try {
      const period = isEverything.value ? undefined : periodOf(range.value);
      const exported = await exportArchive(account, { devices: chosen, period }, {
        signal,
        onProgress: (value) => progress.value = value,
      });
      save(`blindtally-archive-${new Date().toISOString().slice(0, 10)}.btb`, exported.archive);
      done.value = exported;
    } catch (error) {
      if (!signal.aborted) throw error;
      isStopped.value = true;
    } finally {
      progress.value = undefined;
    }
  };
  return (
    <section class="card" aria-labelledby="export">
      <h2 id="export">Make an archive</h2>
      <p>One sealed file with the log, records, screenshots and recordings. It opens here, with <code>blindtally-owner</code>, and without the service with a backup.</p>
      <div class="filters">
        {!isEverything.value && <Range range={range.value} onChoose={(chosen) => range.value = chosen} />}
      </div>
      <Check label="From the beginning until now" checked={isEverything.value} onChange={(event) => isEverything.value = event.currentTarget.checked} />
      <ActionForm
        action={action} submit="Make the archive" working="Making it…" onSubmit={submit}
        more={action.busy && <button type="button" onClick={() => abort.current?.abort()}>Stop</button>}
      >
        <fieldset class="devices">
          <legend>Devices</legend>
          {devices.length === 0 && <p class="quiet">There is none yet.</p>}
          {devices.map((device) => <Check key={device.id} name={device.id} label={deviceName(account, device.id)} defaultChecked />)}
        </fieldset>
        {action.error !== undefined && <p>The archive was broken off: no file was saved.</p>}
      </ActionForm>
      <div role="status">
        {progress.value && <p>{atWork(progress.value)}</p>}
        {isStopped.value && <p>Stopped: no file was saved.</p>}
        {done.value && <Done exported={done.value} />}
      </div>
    </section>
  );
}

const counted = (count: number, one: string): string => `${count.toLocaleString()} ${one}${count === 1 ? "" : "s"}`;

const atWork = ({ device, devices, events, records, blobs }: Progress): string =>
  `Device ${device} of ${devices}: ${counted(events, "event")}, ${counted(records, "record")}, ${counted(blobs, "picture or recording")} so far.`;

function Done({ exported: { archive, events, records, blobs, leftOut, unrevealed } }: { exported: Exported }) {
  return (
    <>
      <p>
        The archive is saved: {counted(events, "event")}, {counted(records, "record")}, {blobs.toLocaleString()} pictures and recordings, {bytes(archive.size)}.
        {unrevealed > 0 && ` ${counted(unrevealed, "value")} could not be read and stay as they are.`}
      </p>
      {leftOut.length > 0 && (
        <>
          <p>{leftOut.length.toLocaleString()} left out, which the archive says too:</p>
          <ul>
            {leftOut.slice(0, LISTED).map(({ what, id, code }, at) => (
              <li key={at}>{WHAT[what]} <code>{id.slice(0, 49)}</code>: {explainCode(code)}</li>
            ))}
          </ul>
          {leftOut.length > LISTED && <p>… and {(leftOut.length - LISTED).toLocaleString()} more</p>}
        </>
      )}
    </>
  );
}

const WHAT = { blob: "A picture or recording", record: "A record", event: "An event" } as const;
