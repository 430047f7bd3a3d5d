/** HTML that came from elsewhere, as an e-mail report, with words for its tokens and with nothing that acts or loads. */

import { BlindtallyError } from "../error.js";
import { attribute, bodyOf, firstChild, isText, lastChild, localName, nextSibling, nodeType } from "./dom.js";
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

const LONGEST_HTML = 4 << 20;

/** Characters given to the parser at once. */
const CHUNK = 1 << 13;

/** The browser's parser takes a time quadratic in the depth of what it reads; no report is that deep. */
const DEEPEST = 128;

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}

/**
 * The content of an HTML document or fragment, with words for the tokens in its text. Only elements that structure text
 * are kept, without links, styles, classes, ids and images, so that nothing in it acts or loads wherever it is put; the
 * words are only ever written as text. Under Trusted Types it needs the policy name `blindtally`. Where a page's policy
 * forbids inline styles and handlers, the browser reports those of the HTML, although they go nowhere.
 *
 * @throws BlindtallyError `page.option`, `page.too-large` (above 4,194,304 characters, or nested too deeply), and what the
 * revealer throws
 */
export async function revealHtmlFragment(html: string, revealer: Revealer, options: TextOptions = {}): Promise<DocumentFragment> {
  const shows = classFilter(options.classes);
  const known = new Words(revealer, checkLimit(options.maxDistinctTokens));
  if (html.length > LONGEST_HTML) throw tooLarge();
  const inert = await runInSlices(parse(html));
  const fragment = new DocumentFragment();
  const texts = await runInSlices(copy(bodyOf(inert), fragment));
  const revealed = await revealAll(known, texts.map(({ data }) => data), shows);
  texts.forEach((text, i) => text.data = revealed[i] ?? text.data);
  return fragment;
}

/** A document without a window: nothing in it runs or loads. */
function* parse(html: string): Generator<void, Document> {
  const inert = document.implementation.createHTMLDocument("");
  const elements = inert.getElementsByTagName("*");
  const write = (text: string) => Document.prototype.write.call(inert, trusted(text));
  for (let at = 0; at < html.length; at += CHUNK) {
    write(html.slice(at, at + CHUNK));
    let depth = 0;
    for (let node: Node | null = bodyOf(inert); node !== null; node = lastChild(node)) depth++;
    // Few characters can make many elements: every paragraph repeats the formatting that was left open.
    if (depth > DEEPEST || elements.length > at + CHUNK) throw tooLarge();
    yield;
  }
  Document.prototype.close.call(inert);
  return inert;
}

function tooLarge(): BlindtallyError {
  return new BlindtallyError("page.too-large", "the HTML is larger or deeper than what is opened here");
}

/** Copies what is kept of the content of `from`, and returns the texts made. */
function* copy(from: Node, into: Node): Generator<void, Text[]> {
  const texts: Text[] = [];
  const open = [{ next: firstChild(from), into }];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const node = level.next;
    if (node === null) {
      open.pop();
      continue;
    }
    level.next = nextSibling(node);
    if (isText(node)) {
      // Adjacent texts become one, so that a token split over them is whole.
      const last = level.into.lastChild;
      if (last?.nodeType === Node.TEXT_NODE) {
        (last as Text).appendData(node.data);
      } else {
        const text = document.createTextNode(node.data);
        level.into.appendChild(text);
        texts.push(text);
      }
    } else if (nodeType(node) === Node.ELEMENT_NODE) {
      const name = localName(node as Element);
      if (DROPPED.has(name)) continue;
      open.push({ next: firstChild(node), into: KEPT.has(name) ? level.into.appendChild(element(name, node as Element)) : level.into });
    }
    yield;
  }
  return texts;
}

function element(tag: string, source: Element): HTMLElement {
  const kept = document.createElement(tag);
  for (const name of KEPT_ATTRIBUTES) {
    const value = attribute(source, name)?.value;
    if (value !== undefined) kept.setAttribute(name, value);
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
  // An element with that id is an object too.
  if (typeof trustedTypes?.createPolicy === "function") policy ??= trustedTypes.createPolicy("blindtally", { createHTML: (text) => text });
  return policy?.createHTML(html) ?? html;
}
