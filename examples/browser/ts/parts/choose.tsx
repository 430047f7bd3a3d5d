/** What is chosen on more than one screen: a period, a device, one of a list. */
import { useId } from "preact/hooks";
import type { Account } from "../account.ts";
import { between, FIRST_DAY, type Period, periodOf, type Preset, PRESETS } from "../report/period.ts";
import { nameOf } from "../report/report.ts";
import { Chips } from "./chips.tsx";
import { visible } from "./word.tsx";

/** A period of its own, or one that moves along with the days. */
export function Range({ range, onChoose }: { range: Preset | Period; onChoose: (range: Preset | Period) => void }) {
  return (
    <>
      <Chips legend="Period" options={PRESETS} value={typeof range === "string" ? range : undefined} onChoose={onChoose} />
      <Days period={periodOf(range)} onChoose={onChoose} />
    </>
  );
}

export function OneDevice({ account, value, onChoose }: { account: Account; value: string | undefined; onChoose: (id: string | undefined) => void }) {
  const devices = account.devices.value;
  return <Choose label="Device" all="All devices" value={value} onChoose={onChoose} options={devices.map((each) => [each.id, visible(nameOf(each, devices)!)])} />;
}

export function Choose({ label, all, value, options, onChoose }: {
  label: string; all: string; value: string | undefined; options: readonly [value: string, text: string][];
  onChoose: (value: string | undefined) => void;
}) {
  const id = useId();
  // Values may be empty texts, so they are chosen by place.
  const at = options.findIndex(([each]) => each === value);
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <select id={id} value={String(at)} onChange={(event) => onChoose(options[Number(event.currentTarget.value)]?.[0])}>
        <option value="-1">{all}</option>
        {options.map(([each, text], place) => <option key={each} value={String(place)}>{text}</option>)}
      </select>
    </p>
  );
}

/** The first day and the last. What makes no sense yet, while it is typed, changes nothing. */
function Days({ period, onChoose }: { period: Period; onChoose: (period: Period) => void }) {
  const edit = (part: "from" | "to") => (event: { currentTarget: HTMLInputElement }) => {
    const day = event.currentTarget.value;
    const chosen = between(part === "from" ? day : period.from, part === "to" ? day : period.to)
      // A day on the other side of the other end takes that along.
      ?? between(day, day);
    if (chosen) onChoose(chosen);
  };
  return (
    <>
      <p class="field">
        <label for="from">From</label><input id="from" type="date" min={FIRST_DAY} value={period.from} onChange={edit("from")} />
      </p>
      <p class="field">
        <label for="to">To</label><input id="to" type="date" min={FIRST_DAY} value={period.to} onChange={edit("to")} />
      </p>
    </>
  );
}
