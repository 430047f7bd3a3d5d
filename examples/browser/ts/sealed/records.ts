/** Records: fetched page by page, and opened by the owner's worker. */
import { type BlindtallyError, type OpenedRecord, RECORD_CLASSES } from "blindtally";
import type { Account } from "../account.ts";
import * as answers from "../answers.ts";
import { isWanted, query, type Wanted } from "./wanted.ts";

/** A record as the service sent it, with what is in it or why that cannot be told. */
export interface Record {
  /** Begins as the record does. Two of one id are copies, or one of them does not open. */
  readonly id: string;
  readonly opened: OpenedRecord | undefined;
  readonly code: string | undefined;
}

export async function listRecords(
  { owner, service }: Account, wanted: Wanted, limit: number, after?: string, signal?: AbortSignal,
): Promise<{ items: Record[]; next: string | null }> {
  const { records, next } = await service.get(`/api/v1/records?${query(wanted, limit, after)}`, answers.Records(limit), signal);
  const opened = await owner.openRecords(records);
  return { items: records.map((text, at) => ({ id: idOf(text), ...judged(wanted, opened[at]!) })), next };
}

/** Header, nonce, length and tag: what a record is told by, and far shorter than it may be. */
const idOf = (text: string): string => [text.slice(0, 58), text.slice(-24), text.length].join(" ");

function judged(wanted: Wanted, record: OpenedRecord | BlindtallyError): Omit<Record, "id"> {
  if (!("value" in record)) return { opened: undefined, code: record.code };
  const { device, class: id, seq } = record;
  // Genuine, but the service shows it among others.
  if (!isWanted(wanted, { device, class: recordClassId(id), seq })) return { opened: undefined, code: "dashboard.contradicted" };
  return { opened: record, code: undefined };
}

const recordClassId = (id: OpenedRecord["class"]): number => typeof id === "number" ? id : RECORD_CLASSES[id];
