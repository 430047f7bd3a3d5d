/** Where in a page words may appear, which kinds of them, and where never. */

import { BlindtallyError } from "../error.js";
import { closest, contains, documentOf, hostOf, isBeingDesigned, isFrame, isText, matches, nodeType, parentOf } from "./dom.js";
import { isTokenClass, TOKEN_CLASSES, type TokenClassName } from "./token-text.js";

/** The attributes that a region may opt into: those that are read by people only. */
export type RegionAttribute = "title" | "alt" | "aria-label";

/** A part of the page, and what it may show. Where regions overlap, the first in the list decides. */
export interface Region {
  /** An element, or a CSS selector: the region is everything inside what it matches. */
  readonly within: string | Element;
  /** Token classes that may be shown; all by default. */
  readonly classes?: readonly (TokenClassName | number)[];
  /**
   * Attributes in which tokens are revealed too; none by default. A style sheet can select by an attribute's value and
   * load an image or a font for each answer, so this needs {@link ReaderOptions.contentSecurityPolicy}.
   */
  readonly attributes?: readonly RegionAttribute[];
}

/** Text that is edited. */
export const EDITED = "[contenteditable]:not([contenteditable=false i])";

/**
 * Text that is code, that a form sends, that is edited, that nobody reads, or that leaves the page: a document's title is
 * kept in the browser's history. An option without a value sends its text, a field with `dirname` the direction of the
 * text around it; and the browser copies a chosen option's content into `selectedcontent`, where it would stay.
 */
const NEVER = "script,style,textarea,input,option:not([value]),selectedcontent,select:has(selectedcontent),noscript,noembed,"
  + `noframes,template,title:not(svg *),foreignObject title,:is([dir=auto i],bdi):has([dirname]),${EDITED}`;

/** The attribute whose change makes allowed text forbidden, or the reverse, without a change of the text. */
export const EDITABLE = "contenteditable";

const ATTRIBUTES: readonly string[] = ["title", "alt", "aria-label"] satisfies RegionAttribute[];

export type Place = Text | Attr;

/** A {@link Region}, checked. */
export class Allowed {
  readonly shows: (tokenClass: number) => boolean;
  readonly attributes: ReadonlySet<string>;
  readonly within: string | Element | undefined;

  constructor(region: Partial<Region>) {
    this.within = region.within;
    checkKeys(region, ["within", "classes", "attributes"]);
    if (typeof region.within === "string") checkSelector(region.within);
    else if (region.within !== undefined && nodeType(region.within) !== 1) throw badOption("a region is within an element or a selector");
    this.shows = classFilter(region.classes);
    this.attributes = new Set(region.attributes);
    for (const name of this.attributes) if (!ATTRIBUTES.includes(name)) throw badOption(`no region may show the attribute ${name}`);
  }

  contains(element: Element): boolean {
    if (this.within === undefined) return true;
    return typeof this.within === "string" ? closest(element, this.within) !== null : contains(this.within, element);
  }
}

/** The regions of a page, and the elements that it was found out to be allowed in. */
export class Regions {
  readonly attributes: readonly string[];
  readonly #root: Node;
  readonly #list: readonly Allowed[];
  /** What an element must not match, and the elements that it must not be, to have the region of its parent. */
  readonly #edges: string;
  readonly #elements: ReadonlySet<unknown>;
  readonly #known = new Map<Element, Allowed | undefined>();

  constructor(root: Node, regions: readonly Partial<Region>[]) {
    this.#root = root;
    this.#list = regions.map((region) => new Allowed(region));
    this.attributes = [...new Set(this.#list.flatMap(({ attributes }) => [...attributes]))];
    this.#elements = new Set(this.#list.map(({ within }) => within));
    this.#edges = [NEVER, "iframe,frame", ...this.#list.flatMap(({ within }) => typeof within === "string" ? [within] : [])].join(",");
  }

  /** The first region that a place below the root is in; none where nothing may be shown. */
  of(place: Place): Allowed | undefined {
    if (!isText(place)) {
      const region = place.ownerElement === null ? undefined : this.#find(place.ownerElement, false);
      return region?.attributes.has(place.name) ? region : undefined;
    }
    const parent = place.parentElement;
    const outer = parent && parentOf(parent);
    // The cells of a row, and the rows of a table, are mostly of one kind.
    if (!parent || !outer || this.#elements.has(parent) || matches(parent, this.#edges)
      || !(this.#known.has(outer) || contains(this.#root, outer))) {
      const element = parent ?? (place.parentNode as Partial<ShadowRoot> | null)?.host;
      return element && this.#find(element, contains(this.#root, place));
    }
    if (!this.#known.has(outer)) this.#known.set(outer, this.#find(outer, true));
    return this.#known.get(outer);
  }

  /** To be called when the page may have changed. */
  forget(): void {
    this.#known.clear();
  }

  #find(parent: Element, inRoot: boolean): Allowed | undefined {
    // What a frame element holds in markup is for browsers without frames.
    if (isFrame(parent)) return undefined;
    // An element in a shadow tree is inside whatever its host is inside, and so is a frame's content.
    const chain: Element[] = [];
    let inside = inRoot;
    for (let element: Element | null = parent; element !== null; element = hostOf(element)) {
      if (closest(element, NEVER) !== null || isBeingDesigned(documentOf(element))) return undefined;
      inside ||= contains(this.#root, element);
      chain.push(element);
    }
    return inside ? this.#list.find((region) => chain.some((element) => region.contains(element))) : undefined;
  }
}

export function classFilter(classes: readonly (TokenClassName | number)[] | undefined): (tokenClass: number) => boolean {
  if (classes === undefined) return () => true;
  if (!Array.isArray(classes)) throw badOption("classes is a list of token classes");
  const numbers = new Set(classes.map(classNumber));
  return (tokenClass) => numbers.has(tokenClass);
}

export function checkLimit(maxDistinctTokens = 20_000): number {
  if (Number.isInteger(maxDistinctTokens) && maxDistinctTokens > 0) return maxDistinctTokens;
  throw badOption("maxDistinctTokens is a whole number above zero");
}

function classNumber(tokenClass: TokenClassName | number): number {
  const number = typeof tokenClass === "number" ? tokenClass : TOKEN_CLASSES[tokenClass];
  if (number === undefined || !isTokenClass(number)) throw badOption(`${tokenClass} is no token class`);
  return number;
}

function checkSelector(selector: string): void {
  // CSS closes what is left open at the end: there such a selector would take in whatever is put after it.
  if (!isSelector(selector) || isSelector(selector + ",!")) throw badOption("a region's selector is not valid CSS");
}

function isSelector(text: string): boolean {
  try {
    new DocumentFragment().querySelector(text);
    return true;
  } catch {
    return false;
  }
}

/** A misspelt option must not mean that there is no limit. */
export function checkKeys(options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) if (!known.includes(key)) throw badOption(`there is no option ${key}`);
}

export function badOption(message: string): BlindtallyError {
  return new BlindtallyError("page.option", message);
}
