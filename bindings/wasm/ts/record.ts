/** Records as they are opened: the value, and what the header says, which is authenticated with it. */
import type { DeviceId } from "./artefacts.js";
import { joined } from "./batch.js";
import { BlindtallyError } from "./error.js";
import { RECORD_CLASSES, type RecordClass } from "./generated.js";

/** An application's own record classes have no name. */
export type RecordClassId = RecordClass | number;

export interface OpenedRecord {
  readonly value: string;
  readonly class: RecordClassId;
  readonly device: DeviceId;
  /** When, in Unix milliseconds: what the device sealed it with, not what the service says. */
  readonly seq: bigint;
}

/** Opens all in one call; each has a result of its own. */
export function openAll(records: readonly string[], call: Parameters<typeof joined>[2]): (OpenedRecord | BlindtallyError)[] {
  return joined(records, "\n", call).map((value, at) =>
    typeof value === "string" ? { value, ...describe(records[at]!) } : value);
}

/** The fields of a record that has been opened: its first 28 bytes. */
function describe(record: string): Omit<OpenedRecord, "value"> {
  const header = atob(record.slice(4, 44).replaceAll("-", "+").replaceAll("_", "/"));
  const hex = Array.from(header, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return {
    class: nameOf(RECORD_CLASSES, header.charCodeAt(1)),
    device: hex.slice(8, 40) as DeviceId,
    seq: BigInt(`0x${hex.slice(40, 56)}`),
  };
}

/** A class by its name, if it has one. */
export function nameOf<Name extends string>(classes: Readonly<Record<Name, number>>, id: number): Name | number {
  return (Object.keys(classes) as Name[]).find((name) => classes[name] === id) ?? id;
}
