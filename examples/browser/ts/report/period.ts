/** Which days a report is about, by the clock of the browser's time zone, whose offset may change in between. */

/** From one day to another, both part of it: `2026-11-22`. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** A part of a period in which clocks were not changed, as the service is asked for it. */
export interface Span {
  readonly fromUs?: number;
  /** The first moment that is not part of it. */
  readonly toUs?: number;
  /** Minutes that clocks are ahead of UTC. */
  readonly offsetMin: number;
}

export const EVERYTHING: Span = { offsetMin: 0 };

export const PRESETS = { today: "Today", week: "Last 7 days", days30: "Last 30 days", month: "This month" } as const;
export type Preset = keyof typeof PRESETS;

const DAY_MS = 86_400_000;
/** Nobody has measured anything before. It keeps a slip of the finger from asking for two thousand years. */
export const FIRST_DAY = "2000-01-01";

export function preset(name: Preset, now = new Date()): Period {
  const to = dayOf(now);
  if (name === "month") return { from: `${to.slice(0, 8)}01`, to };
  return { from: addDays(to, { today: 0, week: -6, days30: -29 }[name]), to };
}

/** What "today" is depends on when it is asked. */
export const periodOf = (range: Preset | Period): Period => typeof range === "string" ? preset(range) : range;

/** The last days up to today. */
export const lastDays = (count: number, now = new Date()): Period => ({ from: addDays(dayOf(now), 1 - count), to: dayOf(now) });

/** A period that makes sense, of what was typed. */
export function between(from: string, to: string, now = new Date()): Period | undefined {
  const isDay = (day: string) => /^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(Date.parse(day));
  if (!isDay(from) || !isDay(to) || from < FIRST_DAY || to > addDays(dayOf(now), 366) || from > to) return undefined;
  return { from, to };
}

export function dayOf(moment: Date): string {
  return new Date(Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate())).toISOString().slice(0, 10);
}

// Days are counted in UTC, where each is as long as the next.
export const addDays = (day: string, count: number): string => new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);

export function days({ from, to }: Period): string[] {
  const count = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  return Array.from({ length: count }, (_, at) => addDays(from, at));
}

function start(day: string): number {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  return new Date(year, month - 1, date).getTime();
}

const offsetAt = (ms: number): number => -Math.round(new Date(ms).getTimezoneOffset());

/** Its first moment, and the first that is not part of it. */
export function bounds({ from, to }: Period): [fromMs: number, toMs: number] {
  return [start(from), start(addDays(to, 1))];
}

/** All of it, by the clock of its end. */
export function whole(period: Period): Span {
  const [from, to] = bounds(period);
  return { fromUs: from * 1000, toUs: to * 1000, offsetMin: offsetAt(to - 1) };
}

/** All of it, cut where clocks were changed between the first event and the last, which are the service's word. */
export function spans(period: Period, firstUs: number, lastUs: number): Span[] {
  const [from, to] = bounds(period);
  const within = (us: number) => Math.min(Math.max(us / 1000, from), to - 1);
  const last = within(lastUs);
  const cut: Span[] = [];
  let begin = from;
  let at = Math.min(within(firstUs), last);
  while (at < last) {
    const next = Math.min(at + DAY_MS, last);
    if (offsetAt(next) !== offsetAt(at)) {
      const change = firstOf(at, next);
      cut.push({ fromUs: begin * 1000, toUs: change * 1000, offsetMin: offsetAt(at) });
      begin = change;
    }
    at = next;
  }
  cut.push({ fromUs: begin * 1000, toUs: to * 1000, offsetMin: offsetAt(last) });
  return cut;
}

/** The first moment that has the offset of `after`. Clocks are changed at whole seconds. */
function firstOf(before: number, after: number): number {
  const wanted = offsetAt(after);
  let [low, high] = [Math.floor(before / 1000), Math.ceil(after / 1000)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * 1000) === wanted) high = middle;
    else low = middle;
  }
  return high * 1000;
}
