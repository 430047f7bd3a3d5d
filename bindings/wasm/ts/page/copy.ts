/** Copying a selection as the page wrote it: tokens, where words are shown. */

import { closest, documentOf, isText, nodeType, windowOf } from "./dom.js";
import { EDITED, type Place } from "./region.js";

/**
 * Lets what is copied, or dragged away, be tokens; a word that is selected in part is copied as its whole token. What a selection is as
 * text only the browser knows (cells, lines, what is hidden), so the tokens are on the page while it is asked; nothing is
 * painted in between.
 */
export function copyTokens(event: ClipboardEvent | DragEvent, shown: ReadonlyMap<Place, { readonly written: string; readonly shown: string }>): void {
  const target = event.composedPath()[0] as Node;
  if (nodeType(target) === 1 && closest(target as Element, `input,textarea,${EDITED}`) !== null) return;
  const data = "clipboardData" in event ? event.clipboardData : event.dataTransfer;
  const root = Node.prototype.getRootNode.call(target) as Partial<Pick<Document, "getSelection">>;
  // Chromium has a selection of its own in a shadow root.
  const selection = nodeType(root as Node) === 11 && root.getSelection ? root.getSelection() : windowOf(documentOf(target))?.getSelection();
  if (!selection || selection.isCollapsed || data === null) return;
  const range = selection.getRangeAt(0);
  const places = [...shown.keys()].filter((place) => isText(place) && range.intersectsNode(place));
  if (places.length === 0) return;

  const { anchorNode, anchorOffset, focusNode, focusOffset } = selection;
  const { startContainer, startOffset, endContainer, endOffset } = range;
  const whole = (container: Node, offset: number, end: boolean) => {
    const written = shown.get(container as Place)?.written;
    return written === undefined ? offset : end && offset > 0 ? written.length : 0;
  };
  const start = whole(startContainer, startOffset, false);
  const end = whole(endContainer, endOffset, true);
  for (const place of places) place.nodeValue = shown.get(place)?.written ?? "";
  selection.setBaseAndExtent(startContainer, start, endContainer, end);
  data.clearData();
  data.setData("text/plain", selection.toString());
  for (const place of places) place.nodeValue = shown.get(place)?.shown ?? "";
  if (anchorNode !== null && focusNode !== null) selection.setBaseAndExtent(anchorNode, anchorOffset, focusNode, focusOffset);
  if (event.type === "copy") event.preventDefault();
}
