/** Screenshots and recordings: listed by the service, which is not believed, and opened by the owner's worker, which is. */
import { BLOB_CLASSES } from "blindtally";
import { type BlobHeader, openBlob, type Opener } from "blindtally/blob";
import type { Account } from "../account.ts";
import * as answers from "../answers.ts";
import { DashboardError } from "../explain.ts";
import { type ContentType, contentType } from "./content-type.ts";
import { isWanted, query, type Wanted } from "./wanted.ts";

/** Blobs a page. */
const PAGE = 200;

/** A blob that is authentic from its first byte to its last. */
export interface Opened {
  readonly header: BlobHeader;
  readonly content: Blob;
  readonly type: ContentType;
}

export async function listBlobs(
  { service }: Account, wanted: Wanted, after?: string, signal?: AbortSignal,
): Promise<{ items: answers.ListedBlob[]; next: string | null }> {
  const { blobs, next } = await service.get(`/api/v1/blobs?${query(wanted, PAGE, after)}`, answers.Blobs(PAGE), signal);
  return { items: blobs, next };
}

/**
 * Fetches and opens one that was listed.
 *
 * @throws BlindtallyError, ServiceError, DashboardError `dashboard.contradicted`
 */
export async function openListed({ owner, service }: Account, wanted: Wanted, listed: answers.ListedBlob, signal?: AbortSignal): Promise<Opened> {
  const opened = await open(owner, await service.getBlob(`/api/v1/blobs/${listed.id}`, listed.size, signal));
  const { id, device, epoch, seq } = opened.header;
  const sealed = { device, class: classId(opened.header), seq };
  const isAsListed = id === listed.id && device === listed.device && sealed.class === listed.class && epoch === listed.epoch
    && Number(seq) === listed.seq;
  if (!isAsListed || !isWanted(wanted, sealed)) throw new DashboardError("dashboard.contradicted");
  return opened;
}

/** Opens a sealed file, all of it. @throws BlindtallyError */
export async function open(opener: Opener, sealed: Blob): Promise<Opened> {
  const blob = await openBlob(opener, sealed);
  const content = await blob.blob();
  const type = await contentType(content);
  // No more than a name that the same bytes go by.
  return { header: blob.header, content: content.slice(0, content.size, type.mime), type };
}

export const classId = ({ class: id }: Pick<BlobHeader, "class">): number => typeof id === "number" ? id : BLOB_CLASSES[id];

/** `20261101T000000.007Z-abababab.jpg`: the last part of a blob's path in an archive (SPEC.md#archive-layout). */
export function fileName({ header: { seq, id }, type: { extension } }: Pick<Opened, "header" | "type">): string {
  return `${compactTime(seq)}-${id.slice(0, 8)}.${extension}`;
}

function compactTime(ms: bigint): string {
  // Years of more digits are no part of that format.
  return ms < 253_402_300_800_000n ? new Date(Number(ms)).toISOString().replaceAll(/[-:]/g, "") : String(ms);
}
