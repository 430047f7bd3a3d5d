/** Hours of the calendar, added up to the columns of charts: days or months, and hours of the day. */
import { type Row, sum } from "./merge.ts";
import { days, type Period } from "./period.ts";

export interface Column {
  readonly key: string;
  /** All of what the column is about, for its tooltip and for those who do not see it. */
  readonly label: string;
  /** What stands below it, where there is room. */
  readonly tick: string;
  readonly duration: number;
  readonly active: number;
}

/** Above as many days, columns are months. */
const MOST_DAYS = 93;

const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const TICK = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric", timeZone: "UTC" });
const MONTH_TICK = new Intl.DateTimeFormat(undefined, { month: "short", year: "2-digit", timeZone: "UTC" });
const noon = (day: string): Date => new Date(`${day}T12:00Z`);

export const dayName = (day: string): string => DAY.format(noon(day));

/** A column for each day, also for those on which nothing was. */
export function dayColumns(hours: readonly Row[], period: Period): { isMonths: boolean; columns: Column[] } {
  const all = days(period);
  const isMonths = all.length > MOST_DAYS;
  const length = isMonths ? "2026-11".length : "2026-11-22".length;
  const sums = sumsBy(hours, (hour) => hour.slice(0, length));
  const keys = [...new Set(all.map((day) => day.slice(0, length)))];
  const [label, tick] = isMonths ? [MONTH, MONTH_TICK] : [DAY, TICK];
  const columns = keys.map((key) => {
    const moment = noon(isMonths ? `${key}-01` : key);
    return { key, label: label.format(moment), tick: tick.format(moment), ...sums(key) };
  });
  return { isMonths, columns };
}

export function hourColumns(hours: readonly Row[]): Column[] {
  const sums = sumsBy(hours, (hour) => hour.slice(-5, -3));
  return Array.from({ length: 24 }, (_, hour) => {
    const [key, next] = [hour, hour + 1].map((each) => String(each).padStart(2, "0")) as [string, string];
    return { key, label: `${key}:00–${next}:00`, tick: key, ...sums(key) };
  });
}

function sumsBy(hours: readonly Row[], keyOf: (hour: string) => string): (key: string) => Pick<Row, "duration" | "active"> {
  const groups = new Map<string, Row[]>();
  for (const hour of hours) {
    const key = keyOf(hour.value ?? "");
    groups.set(key, groups.get(key) ?? []).get(key)!.push(hour);
  }
  return (key) => sum(groups.get(key) ?? []);
}
