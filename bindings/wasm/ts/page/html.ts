/** HTML that came from elsewhere, as an e-mail report, with words for its tokens and with nothing that acts or loads. */

import { BlindtallyError } from "../error.js";
import { checkLimit, classFilter } from "./region.js";
import { runInSlices } from "./task.js";
import { revealAll, type TextOptions } from "./text.js";
import { Words, type Revealer } from "./words.js";

/** Elements that only structure text. Others give way to their content. */
const KEPT = words(`a abbr address article aside b bdi bdo blockquote br caption center cite code col colgroup dd del dfn div dl dt em
  figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i ins kbd li main mark nav ol p pre q s samp section small span strong sub sup
  table tbody td tfoot th thead time tr u ul var wbr`);

/** Elements that go with their content: it is no text for readers. */
const DROPPED = words(`audio canvas datalist embed head iframe math noembed noframes noscript object option script select style svg template
  textarea title video`);

/** Attributes that neither load, act, style nor name anything. */
const KEPT_ATTRIBUTES = ["align", "colspan", "dir", "lang", "rowspan", "scope", "valign"];

/** The parser cannot be interrupted; it takes some 20 ms for this. */
const LONGEST_HTML = 2 << 20;

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}

/**
 * The content of an HTML document or fragment, with words for the tokens in its text. Only elements that structure text
 * are kept, without links, styles, classes, ids and images, so that nothing in it acts or loads wherever it is put; the
 * words are only ever written as text. Under Trusted Types it needs the policy name `blindtally`.
 *
 * @throws BlindtallyError `page.option`, `page.too-large` (2,097,152 characters), and what the revealer throws
 */
export async function revealHtmlFragment(html: string, revealer: Revealer, options: TextOptions = {}): Promise<DocumentFragment> {
  const shows = classFilter(options.classes);
  const known = new Words(revealer, checkLimit(options.maxDistinctTokens));
  if (html.length > LONGEST_HTML) throw new BlindtallyError("page.too-large", "the HTML is larger than what is opened here");
  const inert = new DOMParser().parseFromString(trusted(html), "text/html");
  const fragment = new DocumentFragment();
  const texts = await runInSlices(copy(inert.body, fragment));
  const revealed = await revealAll(known, texts.map(({ data }) => data), shows);
  texts.forEach((text, i) => text.data = revealed[i] ?? text.data);
  return fragment;
}

/** Copies what is kept of the content of `from`, and returns the texts made. */
function* copy(from: Node, into: Node): Generator<void, Text[]> {
  const texts: Text[] = [];
  for (let node = from.firstChild; node !== null; node = node.nextSibling) {
    yield;
    if (node.nodeType === Node.TEXT_NODE) {
      // Adjacent texts become one, so that a token split over them is whole.
      const last = into.lastChild;
      if (last?.nodeType === Node.TEXT_NODE) {
        (last as Text).appendData(node.nodeValue ?? "");
      } else {
        const text = document.createTextNode(node.nodeValue ?? "");
        into.appendChild(text);
        texts.push(text);
      }
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      const name = node.nodeName.toLowerCase();
      if (DROPPED.has(name)) continue;
      texts.push(...yield* copy(node, KEPT.has(name) ? into.appendChild(element(name, node as Element)) : into));
    }
  }
  return texts;
}

function element(name: string, source: Element): HTMLElement {
  const kept = document.createElement(name);
  for (const attribute of KEPT_ATTRIBUTES) {
    const value = Element.prototype.getAttribute.call(source, attribute);
    if (value !== null) kept.setAttribute(attribute, value);
  }
  return kept;
}

/** A document that holds `content` and may load nothing, as HTML. */
export function serialize(content: DocumentFragment, title: string): string {
  const page = document.implementation.createHTMLDocument(title);
  const charset = page.createElement("meta");
  charset.setAttribute("charset", "utf-8");
  const policy = page.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "default-src 'none'";
  page.head.prepend(charset, policy);
  page.body.append(content.cloneNode(true));
  return "<!DOCTYPE html>\n" + page.documentElement.outerHTML;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(html: string): string }): { createHTML(html: string): string };
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** Says to a page that enforces Trusted Types that this HTML is parsed where it cannot do anything. */
function trusted(html: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy("blindtally", { createHTML: (text) => text });
  return policy?.createHTML(html) ?? html;
}
