/** All rows of a kind: searched, sorted, a page at a time, and as a file. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useMemo } from "preact/hooks";
import { type Row, sum } from "../report/merge.ts";
import { type Column, found, type Order, ordered } from "../report/order.ts";
import { clock, percent } from "./duration.ts";
import { begin, Pager, SHOWN } from "./pager.tsx";
import { Word } from "./word.tsx";

const NUMBERS = { duration: "Time", active: "Active", share: "Share", events: "Events", last: "Last seen" } as const;

export function RowTable({ title, one, rows, first, columns = ["duration", "active", "share", "events", "last"], more, actions }: {
  title: string;
  one: string;
  rows: readonly Row[];
  /** The order to begin with. */
  first: Order;
  columns?: readonly (keyof typeof NUMBERS)[];
  /** One more column. */
  more?: { readonly title: string; readonly of: (row: Row) => ComponentChildren };
  /** What can be done with what is shown, in its order. */
  actions?: (shown: readonly Row[]) => ComponentChildren;
}) {
  const search = useSignal("");
  const order = useSignal(first);
  const page = useSignal(0);
  const id = useId();
  const sorted = useMemo(() => ordered(rows, order.value), [rows, order.value]);
  const shown = useMemo(() => found(sorted, search.value), [sorted, search.value]);
  const total = useMemo(() => sum(rows).duration, [rows]);
  const from = begin(page.value, shown.length);

  const heading = (column: Column, name: string) => {
    const { column: current, isDescending } = order.value;
    const sort = current === column ? (isDescending ? "descending" : "ascending") : undefined;
    const choose = () => {
      order.value = { column, isDescending: current === column ? !isDescending : column !== "value" };
      page.value = 0;
    };
    return (
      <th key={column} scope="col" aria-sort={sort} class={column === "value" ? "value" : "number"}>
        <button class="sort" onClick={choose}>{name}<span aria-hidden="true">{sort === "ascending" ? " ▲" : sort ? " ▼" : ""}</span></button>
      </th>
    );
  };
  const cell = (column: keyof typeof NUMBERS, row: Row) =>
    column === "share" ? percent(row.duration, total)
    : column === "events" ? row.events.toLocaleString()
    : column === "last" ? <time dateTime={new Date(row.last / 1000).toISOString()}>{SEEN.format(row.last / 1000)}</time>
    : clock(row[column]);

  return (
    <>
      <div class="buttons table-head">
        <h2 id={`${id}-title`}>{title}</h2>
        <span class="quiet" role="status">{search.value.trim() !== "" && `${shown.length.toLocaleString()} found`}</span>
        <input
          type="search" class="search" aria-label={`Search ${title.toLowerCase()}`} placeholder="Search" autocomplete="off" spellcheck={false}
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
            page.value = 0;
          }}
        />
        {actions?.(shown)}
      </div>
      <div class="scroll" role="region" aria-labelledby={`${id}-title`} tabIndex={0}>
        <table class="rows">
          <thead>
            <tr>
              {heading("value", one)}
              {more && <th scope="col">{more.title}</th>}
              {columns.map((column) => heading(column, NUMBERS[column]))}
            </tr>
          </thead>
          <tbody>
            {shown.slice(from, from + SHOWN).map((row) => (
              <tr key={row.key}>
                <th scope="row" class="value"><Word row={row} /></th>
                {more && <td>{more.of(row)}</td>}
                {columns.map((column) => <td key={column} class="number">{cell(column, row)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p class="quiet">{rows.length === 0 ? "Nothing in this period." : "Nothing has that in it."}</p>}
      <Pager of={title.toLowerCase()} from={from} count={shown.length} onTurn={(turned) => page.value = turned} />
    </>
  );
}

const SEEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
