/** Records: what was typed, copied and written, by time. */
import { useSignal } from "@preact/signals";
import { type OpenedRecord, type RecordClass, RECORD_CLASSES } from "blindtally";
import { useMemo } from "preact/hooks";
import type { Account } from "../account.ts";
import { explainCode } from "../explain.ts";
import { Choose, OneDevice, Range } from "../parts/choose.tsx";
import { DeviceName } from "../parts/device-name.tsx";
import { Moment } from "../parts/moment.tsx";
import { More, usePages } from "../parts/pages.tsx";
import { begin, Pager, SHOWN } from "../parts/pager.tsx";
import { visible } from "../parts/word.tsx";
import { hasIn } from "../report/order.ts";
import { type Period, periodOf, type Preset } from "../report/period.ts";
import { listRecords, type Record } from "../sealed/records.ts";

/** Records a page of the service's. */
const PAGE = 200;
/** Characters of a value that are shown at once. */
const LONG = 1_000;

const CLASSES: readonly [RecordClass, string][] = [["keystrokes", "Keystrokes"], ["clipboard", "Clipboard"], ["chat", "Chat"]];

export function Records({ account }: { account: Account }) {
  const range = useSignal<Preset | Period>("today");
  const device = useSignal<string | undefined>(undefined);
  const kind = useSignal<RecordClass | undefined>(undefined);
  const search = useSignal("");
  const page = useSignal(0);
  const question = JSON.stringify([range.value, device.value, kind.value]);
  const wanted = useMemo(
    () => ({ period: periodOf(range.value), device: device.value, class: kind.value && RECORD_CLASSES[kind.value] }), [question],
  );
  const pages = usePages(question, (after) => listRecords(account, wanted, PAGE, after));
  const { items } = pages;
  const found = useMemo(() => {
    const isFound = hasIn(search.value);
    return items.filter(({ opened }) => isFound(opened?.value));
  }, [items, search.value]);
  const from = begin(page.value, found.length);
  return (
    <>
      <section class="card filters" aria-label="Which records">
        <Range range={range.value} onChoose={(chosen) => range.value = chosen} />
        <OneDevice account={account} value={device.value} onChoose={(id) => device.value = id} />
        <Choose label="Kind" all="All kinds" value={kind.value} options={CLASSES} onChoose={(name) => kind.value = name as RecordClass | undefined} />
      </section>
      <section class="card" aria-labelledby="all-records">
        <div class="buttons table-head">
          <h2 id="all-records">What was recorded</h2>
          <span class="quiet" role="status">{search.value.trim() !== "" && `${found.length.toLocaleString()} found in what is shown so far`}</span>
          <input
            type="search" class="search" aria-label="Search what is shown so far" placeholder="Search" autocomplete="off" spellcheck={false}
            value={search.value}
            onInput={(event) => {
              search.value = event.currentTarget.value;
              page.value = 0;
            }}
          />
        </div>
        {items.length > 0 && (
          <div class="scroll" role="region" aria-labelledby="all-records" tabIndex={0}>
            <table class="records">
              <thead><tr><th scope="col">Time</th><th scope="col">Device</th><th scope="col">Kind</th><th scope="col">Value</th></tr></thead>
              <tbody>{found.slice(from, from + SHOWN).map((record) => <Row key={record.id} account={account} record={record} />)}</tbody>
            </table>
          </div>
        )}
        <Pager of="records" from={from} count={found.length} onTurn={(turned) => page.value = turned} />
        <More pages={pages} nothing="Nothing in this period." />
      </section>
    </>
  );
}

function Row({ account, record: { opened, code } }: { account: Account; record: Record }) {
  if (!opened) {
    return <tr><td colSpan={3} class="quiet">cannot be read</td><td class="unreadable" data-code={code}>{explainCode(code ?? "")}</td></tr>;
  }
  return (
    <tr>
      <td class="number"><Moment ms={Number(opened.seq)} /></td>
      <td><DeviceName account={account} id={opened.device} /></td>
      <td>{className(opened.class)}</td>
      <td class="value"><Value text={opened.value} /></td>
    </tr>
  );
}

const className = (id: OpenedRecord["class"]): string => CLASSES.find(([name]) => name === id)?.[1] ?? String(id);

/** Text of a stranger's: never anything but text, and nothing in it acts on what is around it. */
function Value({ text }: { text: string }) {
  const isWhole = useSignal(text.length <= LONG);
  if (text === "") return <span class="quiet">(empty)</span>;
  return (
    <>
      <bdi class="text">{visible(isWhole.value ? text : text.slice(0, LONG))}</bdi>
      {!isWhole.value && <> … <button class="plain" onClick={() => isWhole.value = true}>Show all {text.length.toLocaleString()} characters</button></>}
    </>
  );
}
