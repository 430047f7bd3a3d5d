/** Sizes for people: `12 kB`. */

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export function bytes(count: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const shown = count / 1000 ** power;
  return shown.toLocaleString(undefined, { style: "unit", unit: UNITS[power]!, unitDisplay: "short", maximumFractionDigits: shown < 10 && power > 0 ? 1 : 0 });
}
