/** A column chart of time. It is a table: Charts.css draws it, and a screen reader reads it. */
import type { Column } from "../report/calendar.ts";
import { axisEnd, spoken } from "./duration.ts";

/** More labels than these would overlap; on a phone it is half of them. */
const TICKS = 8;

export function Columns({ title, of, columns }: { title: string; of: string; columns: readonly Column[] }) {
  const end = axisEnd(Math.max(0, ...columns.map(({ duration }) => duration)));
  const step = Math.ceil(columns.length / TICKS);
  return (
    <div class="columns">
      <div class="axis" aria-hidden="true"><span>{spoken(end)}</span><span>{spoken(end / 2)}</span><span>0</span></div>
      <table class="charts-css column multiple stacked show-labels show-primary-axis show-2-secondary-axes">
        <caption>{title}</caption>
        <thead><tr><th scope="col">{of}</th><th scope="col">Active</th><th scope="col">Not active</th></tr></thead>
        <tbody>
          {columns.map(({ key, label, tick, duration, active }, at) => (
            <tr key={key} class={side(at, columns.length)}>
              <th scope="row"><span class="hidden">{label}</span>{at % step === 0 && <span class={at / step % 2 === 1 ? "between" : ""} aria-hidden="true">{tick}</span>}</th>
              <td style={{ "--size": active / end }}>
                <span class="hidden">{spoken(active)}</span>
                <span class="tooltip" aria-hidden="true">
                  {label}<br /><strong>{spoken(duration)}</strong>{duration !== active && <>, active {spoken(active)}</>}
                </span>
              </td>
              <td style={{ "--size": (duration - active) / end }}><span class="hidden">{spoken(duration - active)}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Towards where its tooltip goes, so that it stays on the page. */
const side = (at: number, count: number): string => at < count / 2 ? "to-end" : "to-start";
