/** How much time was productive, neutral, unproductive, or whatever else the owner calls it: one bar, and its numbers. */
import { BUILT_IN } from "../report/kind.ts";
import { type Row, sum } from "../report/merge.ts";
import { percent, spoken } from "./duration.ts";
import { visible, Word, wordText } from "./word.tsx";

export function CategoryBar({ categories }: { categories: readonly Row[] }) {
  const { duration: all } = sum(categories);
  // The built-in ones in their order, then labels, then what has none; each has the colour of its place.
  const place = ({ value }: Row) => value === null ? 9 : BUILT_IN.includes(value) ? BUILT_IN.indexOf(value) : 8;
  const shown = [...categories].sort((a, b) => place(a) - place(b) || b.duration - a.duration);
  let labels = 0;
  const parts = shown.map((row) => ({ row, color: place(row) === 8 ? `label-${labels++ % 5}` : row.value ?? "none" }));
  return (
    <>
      <table class="charts-css bar stacked multiple category-bar">
        <caption>Time by category</caption>
        <thead><tr><th scope="col">Period</th>{parts.map(({ row }) => <th scope="col" key={row.key}>{wordText(row)}</th>)}</tr></thead>
        <tbody>
          <tr>
            <th scope="row">All of it</th>
            {parts.map(({ row, color }) => (
              <td key={row.key} class={color} style={{ "--size": all > 0 ? row.duration / all : 0 }} title={visible(wordText(row))}>
                <span class="hidden">{spoken(row.duration)}</span>
              </td>
            ))}
          </tr>
        </tbody>
      </table>
      <ul class="legend">
        {parts.map(({ row, color }) => (
          <li key={row.key}>
            <span class={`swatch ${color}`} /><Word row={row} /> <strong>{spoken(row.duration)}</strong> <span class="quiet">{percent(row.duration, all)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
