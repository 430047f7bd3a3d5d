/** Titles over the tokens that stay, which say why; only on elements that have no title of their own. */

import { attribute, isHtml, localName, removeAttribute, setAttribute } from "./dom.js";
import type { Place } from "./region.js";

interface Mark {
  readonly title: string;
  readonly places: Set<Place>;
}

export class Marks {
  readonly #marks = new WeakMap<Element, Mark>();

  /** Says over `place` why it stays, and returns where; nothing where it must not: an element's own title stays too. */
  set(place: Place, title: string): Element | undefined {
    // A token that stands in the body itself would give its title to the whole page.
    const element = place.nodeType === 3 ? place.parentElement : null;
    if (element === null || !isHtml(element) || localName(element) === "body") return undefined;
    const mark = this.#marks.get(element);
    if (mark !== undefined) {
      mark.places.add(place);
      return element;
    }
    if (attribute(element, "title") !== null) return undefined;
    this.#marks.set(element, { title, places: new Set([place]) });
    setAttribute(element, "title", title);
    return element;
  }

  /** Undoes `set`, unless the page wrote a title of its own over ours. */
  clear(place: Place, element: Element): void {
    const mark = this.#marks.get(element);
    if (mark === undefined || !mark.places.delete(place) || mark.places.size > 0) return;
    this.#marks.delete(element);
    if (attribute(element, "title")?.value === mark.title) removeAttribute(element, "title");
  }
}
