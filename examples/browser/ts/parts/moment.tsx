/** A moment in milliseconds, by the clock of the browser's time zone. */

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
/** The latest that has a date. */
const LATEST = 8.64e15;

export const momentText = (ms: number): string => ms <= LATEST ? MOMENT.format(ms) : `${ms} ms`;

export function Moment({ ms }: { ms: number }) {
  if (ms > LATEST) return <>{momentText(ms)}</>;
  return <time dateTime={new Date(ms).toISOString()}>{momentText(ms)}</time>;
}
