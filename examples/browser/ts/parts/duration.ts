/** Spans of time and shares, in words and digits. All durations are in microseconds. */

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** For columns of a table: `12:05:09`. */
export function clock(us: number): string {
  const pad = (part: number) => String(Math.floor(part)).padStart(2, "0");
  return `${Math.floor(us / HOUR)}:${pad(us / MINUTE % 60)}:${pad(us / SECOND % 60)}`;
}

/** For people: `12 h 5 min`, of small ones `42 s`. */
export function spoken(us: number): string {
  if (us < MINUTE) return `${Math.round(us / SECOND)} s`;
  const minutes = Math.round(us / MINUTE);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return `${rest} min`;
  return rest === 0 || hours >= 100 ? `${hours.toLocaleString()} h` : `${hours} h ${rest} min`;
}

export function percent(part: number, all: number): string {
  return all > 0 ? (part / all).toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 }) : "–";
}

const ROUND = [
  MINUTE, 2 * MINUTE, 10 * MINUTE, 20 * MINUTE, ...[1, 2, 4, 6, 8, 10, 12, 16, 20, 30, 40, 60, 80].map((hours) => hours * HOUR),
];

/** The end of an axis that shows `us`: something whose half is a round number too. */
export function axisEnd(us: number): number {
  let end = ROUND.find((round) => us <= round) ?? 100 * HOUR;
  while (end < us) end *= 2;
  return end;
}
