/** Recordings of voices by time, each opened when somebody wants to hear it. */
import { useSignal } from "@preact/signals";
import { BLOB_CLASSES } from "blindtally";
import { useMemo } from "preact/hooks";
import type { Account } from "../account.ts";
import type { ListedBlob } from "../answers.ts";
import { DashboardError } from "../explain.ts";
import { Failure } from "../parts/action.tsx";
import { bytes } from "../parts/bytes.ts";
import { OneDevice, Range } from "../parts/choose.tsx";
import { DeviceName } from "../parts/device-name.tsx";
import { useLook } from "../parts/look.ts";
import { Moment, momentText } from "../parts/moment.tsx";
import { More, usePages } from "../parts/pages.tsx";
import { save } from "../parts/save.ts";
import { type Period, periodOf, type Preset } from "../report/period.ts";
import { fileName, listBlobs } from "../sealed/blobs.ts";
import { Shelf } from "../sealed/shelf.ts";

export function Voice({ account }: { account: Account }) {
  const range = useSignal<Preset | Period>("today");
  const device = useSignal<string | undefined>(undefined);
  const question = JSON.stringify([range.value, device.value]);
  const wanted = useMemo(() => ({ period: periodOf(range.value), device: device.value, class: BLOB_CLASSES.voice }), [question]);
  const shelf = useMemo(() => new Shelf(account, wanted), [account, wanted]);
  const pages = usePages(question, (after) => listBlobs(account, wanted, after));
  /** One at a time. */
  const open = useSignal<string | undefined>(undefined);
  return (
    <>
      <section class="card filters" aria-label="Which recordings">
        <Range range={range.value} onChoose={(chosen) => range.value = chosen} />
        <OneDevice account={account} value={device.value} onChoose={(id) => device.value = id} />
      </section>
      <section class="card" aria-label="Recordings">
        <p class="quiet">Until a recording is open, its time and device are the service’s word.</p>
        <ul class="recordings">
          {pages.items.map((listed) => (
            <Recording
              key={listed.id} account={account} shelf={shelf} listed={listed} isOpen={open.value === listed.id}
              onToggle={() => open.value = open.value === listed.id ? undefined : listed.id}
            />
          ))}
        </ul>
        <More pages={pages} nothing="Nothing in this period." />
      </section>
    </>
  );
}

function Recording({ account, shelf, listed, isOpen, onToggle }: {
  account: Account; shelf: Shelf; listed: ListedBlob; isOpen: boolean; onToggle: () => void;
}) {
  const { state } = useLook(shelf, listed, isOpen);
  const { opened, error } = state ?? {};
  /** The address that the browser could not play. */
  const broken = useSignal<string | undefined>(undefined);
  const isNone = opened !== undefined && (opened.type.shows !== "recording" || broken.value === opened.url);
  return (
    <li>
      <p class="buttons">
        <Moment ms={opened ? Number(opened.header.seq) : listed.seq} /> <DeviceName account={account} id={opened?.header.device ?? listed.device} />
        <span class="quiet">{opened ? bytes(opened.content.size) : bytes(listed.size)}</span>
        <button aria-expanded={isOpen} aria-label={`${isOpen ? "Close" : "Open"} the recording of ${momentText(listed.seq)}`} onClick={onToggle}>
          {isOpen ? "Close" : "Open"}
        </button>
        {opened && <button onClick={() => save(`${opened.header.class}-${fileName(opened)}`, opened.content)}>Save decrypted file</button>}
      </p>
      {isOpen && (
        <>
          <div role="status">{!state?.opened && error === undefined && "Opening it…"}</div>
          {opened && !isNone && (
            <audio controls src={opened.url} aria-label={`Recording of ${momentText(Number(opened.header.seq))}`} onError={() => broken.value = opened.url} />
          )}
          <Failure error={isNone ? new DashboardError("dashboard.not-a-recording") : error} />
        </>
      )}
    </li>
  );
}
