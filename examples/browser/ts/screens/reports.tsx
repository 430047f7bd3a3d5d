/** Reports: how much time was spent, when, on what and by whom, up to date while somebody looks. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import "charts.css";
import type { Account } from "../account.ts";
import { useAction, Failure } from "../parts/action.tsx";
import { Bars } from "../parts/bars.tsx";
import { CategoryBar } from "../parts/category-bar.tsx";
import { Chips } from "../parts/chips.tsx";
import { Choose, OneDevice, Range } from "../parts/choose.tsx";
import { Columns } from "../parts/columns.tsx";
import { spoken } from "../parts/duration.ts";
import { useLive } from "../parts/live.ts";
import { RowTable } from "../parts/row-table.tsx";
import { save } from "../parts/save.ts";
import { wordText } from "../parts/word.tsx";
import { dayColumns, dayName, hourColumns } from "../report/calendar.ts";
import { csv } from "../report/csv.ts";
import { type Kind, KINDS, type KindName } from "../report/kind.ts";
import { type Row, sum } from "../report/merge.ts";
import { ordered } from "../report/order.ts";
import { type Overview, overview } from "../report/overview.ts";
import { addDays, type Period, periodOf, type Preset } from "../report/period.ts";
import { type Choice, isPerson, lastDay, narrow, read } from "../report/report.ts";

/** Bars of the chart. */
const TOP = 10;

const TITLES = Object.fromEntries(Object.entries(KINDS).map(([name, { title }]) => [name, title])) as Record<KindName, string>;

export function Reports({ account }: { account: Account }) {
  const range = useSignal<Preset | Period>("days30");
  const device = useSignal<string | undefined>(undefined);
  const person = useSignal<string | undefined>(undefined);
  const name = useSignal<KindName>("app");
  const kind: Kind = KINDS[name.value];

  // What "today" is depends on when it is asked.
  const choose = (): Choice => ({
    period: periodOf(range.value),
    device: device.value,
    person: person.value,
  });
  const question = JSON.stringify([range.value, device.value, person.value, account.info.value.account]);
  const all = useLive(question, () => {
    markOnce(asked, account, "report-asked");
    return overview(account, choose());
  });
  const detail = useLive(`${question} ${name.value}`, async () => {
    const [kind, choice] = [KINDS[name.value], choose()];
    return { kind, period: choice.period, rows: await read(account, kind, await narrow(account, choice)) };
  });

  const isShown = all.value !== undefined && detail.value !== undefined;
  useEffect(() => {
    // Painted is what two frames have passed over.
    if (isShown) requestAnimationFrame(() => requestAnimationFrame(() => markOnce(shown, account, "report-shown")));
  }, [account, isShown]);

  return (
    <>
      <section class="card filters" aria-label="What the report is about">
        <Range range={range.value} onChoose={(chosen) => range.value = chosen} />
        <OneDevice account={account} value={device.value} onChoose={(id) => device.value = id} />
        <Choose label="Person" all="Everybody" value={person.value} onChoose={(name) => person.value = name}
          options={persons(all.value?.persons ?? [], person.value)} />
      </section>
      <Failure error={all.error ?? detail.error} />
      {all.value
        ? <Summary account={account} overview={all.value} isCurrent={all.isCurrent} onJump={(day) => range.value = { from: addDays(day, -29), to: day }} />
        : <p class="card loading" role="status">{all.error === undefined && "Reading the report…"}</p>}
      <div class="card" aria-busy={!detail.isCurrent}>
        <Chips legend="Rows of" options={TITLES} value={name.value} onChoose={(chosen) => name.value = chosen} />
        {detail.value
          ? <Detail key={detail.value.kind.title} account={account} {...detail.value} isCurrent={detail.isCurrent} />
          : <p class="quiet loading" role="status">{detail.error === undefined && `Reading ${kind.title.toLowerCase()}…`}</p>}
      </div>
    </>
  );
}

/** People who can be told apart by their names, and whoever was chosen although nothing is of them here. */
function persons(rows: readonly Row[], chosen: string | undefined): [string, string][] {
  const names = rows.filter(({ unreadable }) => unreadable === undefined).map(({ value }) => value ?? "");
  if (chosen !== undefined && !rows.some((row) => isPerson(row, chosen))) names.push(chosen);
  return names.sort().map((name) => [name, wordText({ value: name, unreadable: undefined })]);
}

function Summary({ account, overview, isCurrent, onJump }: { account: Account; overview: Overview; isCurrent: boolean; onJump: (day: string) => void }) {
  const { hours, categories, devices, choice: { period, person } } = overview;
  const persons = overview.persons.filter((row) => person === undefined || isPerson(row, person));
  const total = useMemo(() => sum(hours), [hours]);
  const perDay = useMemo(() => dayColumns(hours, period), [hours, period]);
  const perHour = useMemo(() => hourColumns(hours), [hours]);
  if (total.events === 0) return <Nothing account={account} choice={overview.choice} onJump={onJump} />;
  return (
    <div aria-busy={!isCurrent}>
      <section class="card" aria-labelledby="summary">
        <h2 id="summary" class="hidden">Summary</h2>
        <dl class="facts">
          <div><dt>Time in applications</dt><dd>{spoken(total.duration)}</dd></div>
          <div><dt>Active</dt><dd>{spoken(total.active)}</dd></div>
          <div><dt>Events</dt><dd>{total.events.toLocaleString()}</dd></div>
          <div><dt>People</dt><dd>{persons.length.toLocaleString()}</dd></div>
          <div><dt>Devices</dt><dd>{devices.length.toLocaleString()}</dd></div>
        </dl>
        <CategoryBar categories={categories} />
      </section>
      <div class="pair">
        <section class="card" aria-labelledby="per-day">
          <h2 id="per-day">{perDay.isMonths ? "Time per month" : "Time per day"}</h2>
          <Columns title={perDay.isMonths ? "Time per month" : "Time per day"} of={perDay.isMonths ? "Month" : "Day"} columns={perDay.columns} />
        </section>
        <section class="card" aria-labelledby="per-hour">
          <h2 id="per-hour">Time by hour of the day</h2>
          <Columns title="Time by hour of the day" of="Hour" columns={perHour} />
        </section>
      </div>
    </div>
  );
}

/** The range holds nothing: perhaps another does. */
function Nothing({ account, choice, onJump }: { account: Account; choice: Choice; onJump: (day: string) => void }) {
  const last = useLive(JSON.stringify([choice.device, choice.person]), () => lastDay(account, choice));
  return (
    <section class="card" role="status">
      <p>There is nothing in this period{last.isCurrent && last.value === undefined && ", nor in any other: nothing was sent yet"}.</p>
      {last.value !== undefined && <button class="primary" onClick={() => onJump(last.value!)}>Show the last days that have something, up to {dayName(last.value)}</button>}
    </section>
  );
}

function Detail({ account, kind, period, rows, isCurrent }: {
  account: Account; kind: Kind; period: Period; rows: readonly Row[]; isCurrent: boolean;
}) {
  const top = useMemo(() => ordered(rows, { column: "duration", isDescending: true }).slice(0, TOP), [rows]);
  const saving = useAction();
  const saveCsv = (shown: readonly Row[]) => saving.run(
    () => csv(kind, shown, sum(rows).duration, account.owner),
    (text) => save(`blindtally-${kind.title.toLowerCase()}-${period.from}-to-${period.to}.csv`, text, "text/csv;charset=utf-8"),
  );
  const isTime = kind.by === "day" || kind.by === "hour";
  return (
    <>
      {top.length > 0 && <Bars title={`${kind.title} with the most time`} of={kind.one} rows={top} />}
      <Failure error={saving.error} />
      <RowTable
        title={kind.title} one={kind.one} rows={rows} first={{ column: isTime ? "value" : "duration", isDescending: true }}
        actions={(shown) => (
          <button disabled={!isCurrent || saving.busy || shown.length === 0} onClick={() => saveCsv(shown)}>Save as CSV</button>
        )}
      />
    </>
  );
}

const asked = new WeakSet<Account>();
const shown = new WeakSet<Account>();

/** For benchmarks: when an account's first report was asked for, and seen. */
function markOnce(done: WeakSet<Account>, account: Account, mark: string): void {
  if (!done.has(account)) performance.mark(mark);
  done.add(account);
}
