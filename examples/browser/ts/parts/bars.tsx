/** A bar chart of the values that took the most time: a table, as the column chart is. */
import type { Row } from "../report/merge.ts";
import { spoken } from "./duration.ts";
import { Word } from "./word.tsx";

/** How much of the width the longest bar takes; its number stands beside it. */
const LONGEST = 0.78;

export function Bars({ title, of, rows }: { title: string; of: string; rows: readonly Row[] }) {
  const longest = Math.max(1, ...rows.map(({ duration }) => duration));
  return (
    <table class="charts-css bar show-labels data-outside bars">
      <caption>{title}</caption>
      <thead><tr><th scope="col">{of}</th><th scope="col">Time</th></tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key}>
            <th scope="row"><Word row={row} /></th>
            <td style={{ "--size": LONGEST * row.duration / longest }}><span class="data">{spoken(row.duration)}</span></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
