/** A sealed file that somebody has: an archive, or a single screenshot or recording. */
import { BLOB_CLASSES } from "blindtally";
import { type Archive, openArchive, type Opener } from "blindtally/blob";
import { read } from "../parts/read.ts";
import { type ContentType, contentType } from "../sealed/content-type.ts";
import { open, type Opened } from "../sealed/blobs.ts";

export type SealedFile = { readonly archive: Archive } | { readonly blob: Opened };

/** Where the header says what a blob is (SPEC.md#blob). */
const CLASS_AT = 4;

/** @throws BlindtallyError, DashboardError `dashboard.unreadable` */
export async function openSealed(opener: Opener, file: Blob): Promise<SealedFile> {
  const claimed = await classOf(file);
  try {
    return claimed === BLOB_CLASSES.archive ? { archive: await openArchive(opener, file) } : { blob: await open(opener, file) };
  } catch (error) {
    // It may have changed meanwhile, which the browser says without a code.
    await classOf(file);
    throw error;
  }
}

async function classOf(file: Blob): Promise<number | undefined> {
  return new Uint8Array(await read(file.slice(CLASS_AT, CLASS_AT + 1).arrayBuffer()))[0];
}

/** A file of an archive, all of it. @throws BlindtallyError `archive.damaged` */
export async function readFile(archive: Archive, number: number): Promise<{ content: Blob; type: ContentType }> {
  const content = await archive.file(number).blob();
  const type = await contentType(content);
  return { content: content.slice(0, content.size, type.mime), type };
}

/** The decrypted tar. @throws BlindtallyError where the archive is damaged */
export async function readTar(archive: Archive): Promise<Blob> {
  const content = await new Response(archive.tar()).blob();
  return content.slice(0, content.size, "application/x-tar");
}

/** What it is saved as: a path of an archive has nothing in it that a file's name may not have (SPEC.md#archive). */
export const savedName = (path: string): string => path.replaceAll("/", "_");
