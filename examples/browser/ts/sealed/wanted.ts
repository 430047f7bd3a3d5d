/** Which records or blobs somebody wants to see, as the service is asked for them and as what it sends is held against. */
import { bounds, type Period } from "../report/period.ts";

export interface Wanted {
  /** Without it, of all times. */
  readonly period?: Period | undefined;
  readonly device?: string | undefined;
  readonly class?: number | undefined;
}

/** What is authenticated of a record or blob. */
export interface Sealed {
  readonly device: string;
  /** Its number. */
  readonly class: number;
  /** Unix milliseconds. */
  readonly seq: bigint;
}

export function query({ period, device, class: id }: Wanted, limit: number, after: string | undefined): string {
  const query = new URLSearchParams({ limit: String(limit) });
  if (period) {
    const [from, to] = bounds(period);
    query.set("from_ms", String(from));
    query.set("to_ms", String(to));
  }
  if (device !== undefined) query.set("device", device);
  if (id !== undefined) query.set("class", String(id));
  if (after !== undefined) query.set("after", after);
  return String(query);
}

export function isWanted({ period, device, class: id }: Wanted, sealed: Sealed): boolean {
  const [from, to] = period ? bounds(period) : [0, Infinity];
  return sealed.seq >= from && sealed.seq < to && (device ?? sealed.device) === sealed.device && (id ?? sealed.class) === sealed.class;
}
