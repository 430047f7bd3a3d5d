/** `blindtally/page`: makes pages, e-mail reports and files that hold tokens readable to the owner, in the browser. */

export { BlindtallyError } from "./error.js";
export type { PageCode } from "./page/code.js";
export { revealCsv } from "./page/csv.js";
export { DropTarget, dropTarget, type DropTargetLabels, type DropTargetOptions, type OpenedFile } from "./page/drop-target.js";
export { revealHtmlFragment } from "./page/html.js";
export { PageReader, readPage, type ReaderOptions, type ReaderStatistics } from "./page/reader.js";
export type { Region, RegionAttribute } from "./page/region.js";
export { revealText, type TextOptions } from "./page/text.js";
export type { TokenClassName } from "./page/token-text.js";
export { openRevealedUrl } from "./page/url.js";
export type { Revealer } from "./page/words.js";
