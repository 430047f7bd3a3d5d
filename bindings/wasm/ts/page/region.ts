/** Where in a page words may appear, which kinds of them, and where never. */

import { BlindtallyError } from "../error.js";
import { closest, contains, documentOf, hostOf, isBeingDesigned, isFrame, isText } from "./dom.js";
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

/**
 * Text that is code, that a form sends, that is edited, that nobody reads, or that leaves the page: a document's title is
 * kept in the browser's history. An option without a value sends its text.
 */
const NEVER = "script,style,textarea,input,option:not([value]),noscript,noembed,noframes,template,title:not(svg *),"
  + "[contenteditable]:not([contenteditable=false i])";

/** The attribute whose change makes allowed text forbidden, or the reverse, without a change of the text. */
export const EDITABLE = "contenteditable";

const ATTRIBUTES: readonly string[] = ["title", "alt", "aria-label"] satisfies RegionAttribute[];

export type Place = Text | Attr;

/** A {@link Region}, checked. */
export class Allowed {
  readonly shows: (tokenClass: number) => boolean;
  readonly attributes: ReadonlySet<string>;
  readonly #within: string | Element | undefined;

  constructor(region: Partial<Region>) {
    this.#within = region.within;
    if (typeof region.within === "string") checkSelector(region.within);
    this.shows = classFilter(region.classes);
    this.attributes = new Set(region.attributes);
    for (const name of this.attributes) if (!ATTRIBUTES.includes(name)) throw badOption(`no region may show the attribute ${name}`);
  }

  holds(place: Place): boolean {
    return isText(place) || this.attributes.has(place.name);
  }

  contains(element: Element): boolean {
    if (this.#within === undefined) return true;
    return typeof this.#within === "string" ? closest(element, this.#within) !== null : contains(this.#within, element);
  }
}

/** The first of `regions` that a place inside `root` belongs to; none where nothing may be shown. */
export function regionOf(place: Place, root: Node, regions: readonly Allowed[]): Allowed | undefined {
  const parent = elementOf(place);
  // What a frame element holds in markup is for browsers without frames.
  if (parent === null || isFrame(parent)) return undefined;
  // An element in a shadow tree is inside whatever its host is inside, and so is a frame's content.
  const chain: Element[] = [];
  let inside = isText(place) && contains(root, place);
  for (let element: Element | null = parent; element !== null; element = hostOf(element)) {
    if (closest(element, NEVER) !== null || isBeingDesigned(documentOf(element))) return undefined;
    inside ||= contains(root, element);
    chain.push(element);
  }
  if (!inside) return undefined;
  return regions.find((region) => region.holds(place) && chain.some((element) => region.contains(element)));
}

function elementOf(place: Place): Element | null {
  if (!isText(place)) return place.ownerElement;
  return place.parentElement ?? (place.parentNode as Partial<ShadowRoot> | null)?.host ?? null;
}

export function classFilter(classes: readonly (TokenClassName | number)[] | undefined): (tokenClass: number) => boolean {
  if (classes === undefined) return () => true;
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
  try {
    new DocumentFragment().querySelector(selector);
  } catch {
    throw badOption("a region's selector is not valid CSS");
  }
}

function badOption(message: string): BlindtallyError {
  return new BlindtallyError("page.option", message);
}
