/** The page reader: makes a page that holds tokens read as if nothing were encrypted, and follows its changes. */

import { BlindtallyError } from "../error.js";
import { explain } from "./code.js";
import { copyTokens } from "./copy.js";
import {
  attribute, documentOf, enterFrame, frameDocument, isFrame, isLoading, isText, localName, nodesOf, nodeType, shadowOf, windowOf,
} from "./dom.js";
import { Marks } from "./marks.js";
import { badOption, checkKeys, checkLimit, EDITABLE, Regions, type Allowed, type Place, type Region } from "./region.js";
import { BEGINNING, LARGE_SLICE, SLICE, soon, STEPS } from "./task.js";
import { revealWith } from "./text.js";
import { findTokens, isBase64url, LONGEST_TOKEN, PREFIX, replace, type Replacement, type Span } from "./token-text.js";
import { Asked, BATCH, checkRevealer, Refusal, Words, type Revealer } from "./words.js";

export interface ReaderOptions {
  /** Where words may appear; by default everywhere below the root, every class, in text only. */
  readonly regions?: readonly Region[];
  /**
   * How many different tokens may be revealed until `lock`, so that a service that floods the page with tokens of its
   * choosing does not learn what it makes of them; also the bound of what is remembered. Default 20,000.
   */
  readonly maxDistinctTokens?: number;
  /** What selecting and copying yields; `PageReader.copy` changes it. Default `"words"`. */
  readonly copy?: "words" | "tokens";
  /** Says that the page's Content-Security-Policy has style-src, img-src and font-src of its own origin only. */
  readonly contentSecurityPolicy?: "own-sources";
  /** The title over a token that stays, by the code of the reason (of the core or a `PageCode`), for other languages. */
  readonly explain?: (code: string) => string;
  /** Told what the revealer threw or rejected with; the tokens stay. Default: `reportError`. */
  readonly onError?: (error: unknown) => void;
  /** Aborting it disconnects the reader. */
  readonly signal?: AbortSignal;
}

/** Counts since the reader was made or unlocked. */
export interface ReaderStatistics {
  /** Different tokens that the revealer was asked for. */
  readonly found: number;
  readonly revealed: number;
  readonly refused: number;
  /** Texts and attributes that show words now. */
  readonly places: number;
}

/**
 * Reveals the tokens below `root`, and follows what the page does to them. It writes words into the text nodes that held
 * the tokens and changes nothing else, so that frameworks find every node where they left it. Start it after a framework
 * has hydrated markup of the server, which it compares with its own.
 *
 * It defends against data and markup that the service chose, never against the page's own scripts. Words are real text,
 * so a style sheet of the service could load a font for every letter that a text has, and a form of the service could send
 * which way a text runs: serve the page with `style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self';
 * base-uri 'none'` and a narrow `default-src`, from an origin that is not the service's. Frames of that origin need the same.
 * Where markup is not the page's own, name regions by element: a selector is matched by whatever has the right class.
 *
 * A word may hold anything that its author typed, also characters that turn the direction of text: isolate it where that
 * could mislead (`<bdi>`, or `unicode-bidi: isolate`).
 *
 * It also reads open shadow roots and frames of the same origin. It cannot see closed shadow roots, nor a shadow root
 * that a script attaches to an element that was there before and is no custom element: call `refresh` after that, and
 * after a change that moves the borders of regions (classes, ids, the order of columns). With `copy: "tokens"`, a selection
 * that begins and ends outside a shadow root yields the words in it. A script that writes its text back whenever it changes
 * fights the reader for ever. What the page's own scripts copy, split or join
 * while words are shown belongs to the page.
 *
 * @throws BlindtallyError `page.option`, `page.policy`
 */
export function readPage(root: Document | ShadowRoot | Element, revealer: Revealer, options: ReaderOptions = {}): PageReader {
  return new PageReader(root, revealer, options);
}

/** What a place held as the page wrote it, and what it shows instead. */
interface Shown {
  readonly written: string;
  readonly shown: string;
  /** The adjacent texts that hold one token together. */
  readonly group: readonly Place[];
  readonly marked: Element | undefined;
}

/** Tokens found in one text, or in adjacent texts that share one. */
interface Found {
  readonly group: readonly Place[];
  readonly texts: readonly string[];
  readonly spans: Span[];
  readonly region: Allowed;
  /** The slice in which all this was so. */
  readonly turn: number;
}

/** A token in more pieces than this stays; without a bound, many small texts would be joined again and again. */
const MOST_PIECES = 64;

const OPTIONS = ["regions", "maxDistinctTokens", "copy", "contentSecurityPolicy", "explain", "onError", "signal"];

/** Characters searched between two looks at the clock: a fraction of a millisecond. */
const WINDOW = 1 << 16;

export class PageReader {
  /** What selecting and copying yields. */
  copy: "words" | "tokens";

  readonly #root: Document | ShadowRoot | Element;
  readonly #regions: Regions;
  readonly #limit: number;
  readonly #explain: (code: string) => string;
  readonly #onError: (error: unknown) => void;
  readonly #observer: MutationObserver;
  readonly #marks = new Marks();

  #revealer: Revealer;
  #words: Words<Place> | undefined;
  #disconnected = false;
  /** Every place that shows something else than the page wrote. Only places in the page: one that leaves is put back. */
  readonly #shown = new Map<Place, Shown>();
  /** What has to be looked at: places, and trees whose places have to be. */
  readonly #todo = new Set<Node>();
  #found: Found[] = [];
  /** What is being done: the last first. */
  #works: Generator<void>[] = [];
  #running = false;
  /** Counts the slices: the page does not change during one. */
  #turn = 0;
  /** The slice in which what frames had shown was looked at. */
  #framesLookedAt = -1;
  /** Texts that were looked at in this slice together with others. */
  readonly #grouped = new Set<Place>();
  #scheduled = false;
  #workingSince: number | undefined;
  #workedAt = 0;
  #unanswered = 0;
  #settling: (() => void)[] = [];
  #watched = new WeakSet<Node>();
  #awaitedElements = new Set<string>();
  #listening = new AbortController();

  constructor(root: Document | ShadowRoot | Element, revealer: Revealer, options: ReaderOptions) {
    this.#root = root;
    this.#revealer = revealer;
    checkKeys(options, OPTIONS);
    if (options.regions?.some(({ within }) => within === undefined)) throw badOption("every region says what it is within");
    if (!["words", "tokens", undefined].includes(options.copy)) throw badOption("copying yields words or tokens");
    this.#regions = new Regions(root, options.regions ?? [{}]);
    if (this.#regions.attributes.length > 0 && options.contentSecurityPolicy !== "own-sources") {
      throw new BlindtallyError("page.policy", "attributes are shown only where the option contentSecurityPolicy is \"own-sources\"");
    }
    this.#limit = checkLimit(options.maxDistinctTokens);
    this.copy = options.copy ?? "words";
    this.#explain = (code) => {
      const title: unknown = this.#calling(() => options.explain?.(code));
      return typeof title === "string" ? title : explain(code);
    };
    this.#onError = (error) => this.#calling(() => options.onError ? options.onError(error) : reportError(error));
    this.#observer = new MutationObserver((records) => this.#follow(records));
    options.signal?.addEventListener("abort", () => this.disconnect(), { once: true });
    this.unlock(revealer);
    if (options.signal?.aborted) this.disconnect();
  }

  /** Puts every token back, as the page wrote it, and forgets every word, before it returns. `unlock` starts again. */
  lock(): void {
    this.#words?.forget();
    this.#words = undefined;
    this.#observer.disconnect();
    this.#listening.abort();
    this.#todo.clear();
    this.#found = [];
    this.#works = [];
    for (const place of this.#shown.keys()) this.#putBack(place);
    this.#unanswered = 0;
    this.#workingSince = undefined;
    this.#tellSettled();
  }

  /**
   * Starts again after `lock`, with the owner that was unlocked.
   *
   * @throws BlindtallyError `page.disconnected`
   */
  unlock(revealer: Revealer = this.#revealer): void {
    if (this.#disconnected) throw new BlindtallyError("page.disconnected", "the reader was disconnected: make a new one");
    checkRevealer(revealer);
    if (this.#words !== undefined) {
      if (revealer === this.#revealer) return;
      this.lock();
    }
    this.#revealer = revealer;
    this.#words = new Words(revealer, this.#limit);
    this.#watched = new WeakSet();
    this.#awaitedElements = new Set();
    this.#listening = new AbortController();
    const page = documentOf(this.#root);
    // What is printed is what is on the page when this event has been handled.
    windowOf(page)?.addEventListener("beforeprint", () => {
      this.#follow(this.#observer.takeRecords());
      this.#run(Infinity);
    }, { signal: this.#listening.signal });
    this.#listenToCopy(page);
    this.refresh();
  }

  /** Looks at the whole page again. */
  refresh(): void {
    if (this.#words === undefined) return;
    this.#todo.add(this.#root);
    for (const place of this.#shown.keys()) this.#todo.add(place);
    this.#run();
  }

  /** Resolves when everything on the page so far is revealed or refused: for tests and before printing. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settling.push(resolve);
      this.#follow(this.#observer.takeRecords());
      this.#run(0);
    });
  }

  /**
   * A text with its tokens replaced by words, for what is no part of the page. It shares the reader's memory and limit.
   *
   * @throws BlindtallyError `page.locked`, and what the revealer throws
   */
  async revealText(text: string): Promise<string> {
    const words = this.#words;
    const result = words && await revealWith(words, text, () => true);
    if (result === undefined || words !== this.#words) throw new BlindtallyError("page.locked", "the reader is locked");
    return result;
  }

  get statistics(): ReaderStatistics {
    const { found = 0, revealed = 0, refused = 0 } = this.#words ?? {};
    let places = 0;
    for (const { written, shown } of this.#shown.values()) if (written !== shown) places++;
    return { found, revealed, refused, places };
  }

  /** `lock`, for good. */
  disconnect(): void {
    this.lock();
    this.#disconnected = true;
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }

  /** What the application's own function throws stops nothing here. */
  #calling<T>(theirs: () => T): T | undefined {
    try {
      return theirs();
    } catch (error) {
      reportError(error);
      return undefined;
    }
  }

  /** Looks at what the page did, before anything else that there is to do, so that it is shown before it is painted. */
  #follow(records: readonly MutationRecord[]): void {
    const fresh = this.#changed(records);
    if (fresh.size === 0) return;
    this.#works.push(this.#lookAt(fresh));
    this.#run();
  }

  #changed(records: readonly MutationRecord[]): Set<Node> {
    const changed = new Set<Node>();
    let attributes = false;
    for (const record of records) {
      const { type, target } = record;
      if (type === "characterData") {
        // Our own writing comes back here too.
        if (this.#shown.get(target as Text)?.shown !== (target as Text).data) {
          if (isLoading(documentOf(target))) this.#appended(target as Text);
          changed.add(target);
        }
      } else if (type === "attributes") {
        const name = record.attributeName ?? "";
        const place = name === EDITABLE ? target : attribute(target as Element, name);
        if (place !== null) changed.add(place);
        attributes ||= name !== EDITABLE;
      } else {
        for (const node of record.addedNodes) changed.add(node);
        if (this.#shown.size > 0) for (const node of record.removedNodes) changed.add(node);
        // What came or went may have held a part of a token, or parted one.
        for (const node of [record.previousSibling, record.nextSibling]) if (node !== null && isText(node)) changed.add(node);
      }
    }
    // An attribute that was removed, perhaps to be set anew, has no record of its own.
    if (attributes) for (const place of this.#shown.keys()) if (!isText(place) && place.ownerElement === null) changed.add(place);
    return changed;
  }

  /** The parser has read on, and added to a text that shows words. */
  #appended(text: Text): void {
    const before = this.#shown.get(text);
    if (before === undefined || !text.data.startsWith(before.shown)) return;
    this.#shown.set(text, { ...before, written: before.written + text.data.slice(before.shown.length), shown: text.data });
  }

  /** Works for a slice of time now, or for `milliseconds`; the rest follows in slices. */
  #run(milliseconds?: number): void {
    if (this.#running) return;
    this.#running = true;
    this.#regions.forget();
    this.#turn++;
    this.#grouped.clear();
    const start = performance.now();
    this.#workingSince ??= start;
    // A page that takes long for its own frames is not made smoother by small slices, only slower.
    const large = start - this.#workingSince < BEGINNING || start - this.#workedAt > LARGE_SLICE;
    const end = start + (milliseconds ?? (large ? LARGE_SLICE : SLICE));
    let work: Generator<void> | undefined;
    const finish = () => this.#works = this.#works.filter((each) => each !== work);
    try {
      do {
        work = this.#works.at(-1) ?? this.#backlog();
        if (work === undefined) break;
        if (work.next().done) finish();
      } while (performance.now() < end);
    } catch (error) {
      finish();
      this.#onError(error);
    } finally {
      this.#running = false;
      this.#workedAt = performance.now();
    }
    if (this.#isIdle) {
      this.#workingSince = undefined;
      this.#tellSettled();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      soon(() => {
        this.#scheduled = false;
        this.#run();
      });
    }
  }

  get #isIdle(): boolean {
    return this.#works.length === 0 && this.#todo.size === 0 && this.#found.length === 0;
  }

  #backlog(): Generator<void> | undefined {
    if (this.#isIdle) return undefined;
    const work = this.#lookAt(this.#todo);
    this.#works.push(work);
    return work;
  }

  #tellSettled(): void {
    if (!this.#isIdle || this.#unanswered > 0) return;
    for (const resolve of this.#settling.splice(0)) resolve();
  }

  *#lookAt(todo: Set<Node>): Generator<void> {
    let steps = 0;
    while (todo.size > 0 || this.#found.length > 0) {
      for (const node of todo) {
        todo.delete(node);
        if (isText(node) || nodeType(node) === 2) yield* this.#look(node as Place) ?? [];
        else yield* this.#walk(node);
        if (++steps % STEPS === 0) yield;
      }
      yield* this.#showFound();
    }
  }

  /** Looks at every place in a tree, which may be new in the page or have left it. */
  *#walk(tree: Node): Generator<void> {
    const inPage = tree === this.#root || tree.isConnected;
    if (tree === this.#root || (inPage && nodeType(tree) !== 1)) this.#watch(tree);
    let steps = 0;
    // Texts first, which are most of what is seen.
    const texts = nodesOf(tree, "SHOW_TEXT");
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const rest = this.#look(text as Text);
      if (rest !== undefined) yield* rest;
      if (this.#found.length >= BATCH) yield* this.#showFound();
      if (++steps % STEPS === 0) yield;
    }
    yield* this.#showFound();
    const elements = nodesOf(tree, "SHOW_ELEMENT");
    for (let element = elements.nextNode(); element !== null; element = elements.nextNode()) {
      this.#enter(element as Element, inPage);
      if (++steps % STEPS === 0) yield;
    }
  }

  /** Goes on to what an element holds beside its children. */
  #enter(element: Element, inPage: boolean): void {
    for (const name of this.#regions.attributes) {
      const place = attribute(element, name);
      if (place !== null && (this.#shown.has(place) || place.value.includes(PREFIX))) this.#todo.add(place);
    }
    const shadow = shadowOf(element);
    if (shadow !== null) this.#todo.add(shadow);
    else if (inPage && localName(element).includes("-")) this.#awaitUpgrade(element);
    if (isFrame(element)) this.#enterFrame(element, inPage);
  }

  #enterFrame(frame: HTMLIFrameElement | HTMLFrameElement, inPage: boolean): void {
    // A document that the frame held before is gone, and with it what it showed.
    if (this.#framesLookedAt !== this.#turn) {
      this.#framesLookedAt = this.#turn;
      for (const place of this.#shown.keys()) if (place.ownerDocument !== documentOf(this.#root)) this.#todo.add(place);
    }
    if (!inPage) return;
    if (!this.#watched.has(frame)) {
      this.#watched.add(frame);
      frame.addEventListener("load", () => {
        this.#todo.add(frame);
        this.#run();
      }, { signal: this.#listening.signal });
    }
    const page = frameDocument(frame);
    if (page === null) return;
    enterFrame(frame, page);
    this.#listenToCopy(page);
    this.#todo.add(page);
  }

  /** A custom element mostly attaches its shadow root when it is defined, which may be later. */
  #awaitUpgrade(element: Element): void {
    const name = localName(element);
    const elements = windowOf(documentOf(element))?.customElements;
    if (elements === undefined || this.#awaitedElements.has(name) || elements.get(name) !== undefined) return;
    this.#awaitedElements.add(name);
    elements.whenDefined(name).then(() => this.refresh(), () => undefined);
  }

  #watch(tree: Node): void {
    if (this.#watched.has(tree)) return;
    this.#watched.add(tree);
    this.#observer.observe(tree, {
      subtree: true, childList: true, characterData: true, attributeFilter: [EDITABLE, ...this.#regions.attributes],
    });
  }

  /** Finds the tokens of a place, for `#showFound`; returns what remains to be done for a long text. */
  #look(place: Place): Generator<void> | undefined {
    if (this.#grouped.has(place)) return undefined;
    const before = this.#shown.get(place);
    const group = this.#groupOf(place);
    if (group.length > 1) for (const member of group) this.#grouped.add(member);
    if (before !== undefined && before.group.length > 1) this.#part(before.group, group);
    const texts = group.length === 1 ? [this.#written(place)] : group.map((member) => this.#written(member));
    const joined = texts.length === 1 ? texts[0] ?? "" : texts.join("");
    if (before === undefined && !joined.includes(PREFIX)) return undefined;
    const spans: Span[] = [];
    const at = findTokens(joined, spans, 0, WINDOW);
    if (at < joined.length || texts.length > 1) return this.#lookFurther({ group, texts, spans }, joined, at);
    this.#keep({ group, texts, spans });
    return undefined;
  }

  *#lookFurther(found: Omit<Found, "region" | "turn">, joined: string, from: number): Generator<void> {
    yield* findAll(joined, found.spans, from);
    if (found.texts.length > 1) yield* addLone(found.texts, found.spans);
    this.#keep(found);
  }

  #keep({ group, texts, spans }: Omit<Found, "region" | "turn">): void {
    const region = spans.length > 0 ? this.#regions.of(group[0] as Place) : undefined;
    if (region !== undefined) this.#found.push({ group, texts, spans, region, turn: this.#turn });
    else for (const member of group) this.#putBack(member);
  }

  /** The texts whose characters may make one token with those of `place`, in order. */
  #groupOf(place: Place): readonly Place[] {
    const group = [place];
    if (!isText(place) || (place.previousSibling === null && place.nextSibling === null)) return group;
    for (const [forward, step] of [[false, "previousSibling"], [true, "nextSibling"]] as const) {
      let edge = this.#written(place);
      // No token reaches further than its longest form, nor over more nodes than we are ready to look at.
      let reach = 0;
      let visited = 0;
      for (let node = place[step]; node !== null && group.length < MOST_PIECES; node = node[step]) {
        if (reach > LONGEST_TOKEN || ++visited > 4 * MOST_PIECES) break;
        // Templates leave comments and empty texts between the texts that they write.
        if (nodeType(node) === 8) continue;
        if (!isText(node)) break;
        const text = this.#written(node);
        if (text === "" && edge !== "") continue;
        if (!joins(forward ? edge : text, forward ? text : edge)) break;
        if (forward) group.push(node);
        else group.unshift(node);
        edge = text;
        reach += text.length;
      }
    }
    return group;
  }

  /** The texts that shared a token and do so no longer have to be looked at by themselves. */
  #part(before: readonly Place[], now: readonly Place[]): void {
    if (before.every((member) => now.includes(member))) return;
    for (const member of before) {
      const shown = this.#shown.get(member);
      if (shown === undefined) continue;
      this.#shown.set(member, { ...shown, group: [member] });
      if (!now.includes(member)) this.#todo.add(member);
    }
  }

  *#showFound(): Generator<void> {
    const words = this.#words;
    const found = this.#found;
    this.#found = [];
    if (words === undefined) return;
    const unknown = new Set<string>();
    let steps = 0;
    for (const { spans, region } of found) {
      for (const { token, tokenClass } of spans) {
        if (region.shows(tokenClass) && words.get(token) === undefined) unknown.add(token);
      }
      if (++steps % STEPS === 0) yield;
    }
    const tokens = [...unknown];
    for (let i = 0; i < tokens.length; i += BATCH) {
      // What came in between two slices may have asked for some of them.
      this.#ask(words, tokens.slice(i, i + BATCH).filter((token) => words.get(token) === undefined));
      yield;
    }
    for (const one of found) {
      if (words !== this.#words) return;
      this.#show(words, one);
      if (++steps % STEPS === 0) yield;
    }
  }

  #ask(words: Words<Place>, tokens: readonly string[]): void {
    let asked;
    try {
      asked = words.ask(tokens);
    } catch (error) {
      this.#onError(error);
    }
    if (asked === undefined) return;
    const { waiting, answer } = asked;
    this.#unanswered++;
    const answered = () => {
      if (words !== this.#words) return;
      this.#unanswered--;
      this.#run();
    };
    answer.then(() => {
      if (words === this.#words) for (const place of waiting) this.#todo.add(place);
    }, (error: unknown) => this.#onError(error)).then(answered, reportError);
  }

  #show(words: Words<Place>, { group, texts, spans, region, turn }: Found): void {
    // What the page changed since is on its way here.
    if (turn !== this.#turn && !group.every((place, i) => this.#written(place) === texts[i] && this.#regions.of(place) === region)) return;
    const replacements: Replacement[] = [];
    let reason: string | undefined;
    let asked: Asked<Place> | undefined;
    for (const { start, end, token, tokenClass } of spans) {
      const word = region.shows(tokenClass) ? words.get(token) : OTHER_CLASS;
      if (typeof word === "string") replacements.push({ start, end, word });
      else if (word instanceof Refusal) reason ??= word.code;
      else if (word instanceof Asked) asked = word;
      else return;
    }
    if (asked !== undefined) {
      // The last of those asked for is the last to be answered.
      for (const place of group) asked.waiting.add(place);
      return;
    }
    const results = replace(texts, replacements);
    for (let i = 0; i < group.length; i++) {
      this.#write(group[i] as Place, texts[i] ?? "", results[i] ?? "", group, i === 0 ? reason : undefined);
    }
  }

  #write(place: Place, written: string, shown: string, group: readonly Place[], reason: string | undefined): void {
    const before = this.#shown.get(place);
    if (before?.marked !== undefined) this.#marks.clear(place, before.marked);
    const marked = reason === undefined ? undefined : this.#marks.set(place, this.#explain(reason));
    if (written === shown && marked === undefined && group.length === 1) this.#shown.delete(place);
    else this.#shown.set(place, { written, shown, group, marked });
    if (place.nodeValue !== shown) place.nodeValue = shown;
  }

  #putBack(place: Place): void {
    const shown = this.#shown.get(place);
    if (shown === undefined) return;
    this.#shown.delete(place);
    if (place.nodeValue === shown.shown && shown.written !== shown.shown) place.nodeValue = shown.written;
    if (shown.marked !== undefined) this.#marks.clear(place, shown.marked);
  }

  /** What the page wrote into a place, whatever it shows. */
  #written(place: Place): string {
    const value = place.nodeValue ?? "";
    const shown = this.#shown.get(place);
    return shown?.shown === value ? shown.written : value;
  }

  #listenToCopy(page: Document): void {
    if (this.#watched.has(page)) return;
    for (const type of ["copy", "dragstart"]) {
      EventTarget.prototype.addEventListener.call(page, type, (event) => {
        if (this.copy === "tokens") copyTokens(event as ClipboardEvent | DragEvent, this.#shown);
      }, { signal: this.#listening.signal });
    }
  }
}

const OTHER_CLASS = new Refusal("page.class");

/** Whether a token may go on from the end of one text to the start of the next. */
function joins(left: string, right: string): boolean {
  return (left === "" || isBase64url(left, left.length - 1)) && (right === "" || isBase64url(right, 0));
}

function* findAll(text: string, spans: Span[], from = 0): Generator<void> {
  for (let at = from; at < text.length;) {
    at = findTokens(text, spans, at, WINDOW);
    if (at < text.length) yield;
  }
}

/** Adds the tokens that are whole in one of several adjacent texts: templates write `{count}{token}` side by side. */
function* addLone(texts: readonly string[], spans: Span[]): Generator<void> {
  const joined = spans.slice();
  let next = 0;
  let base = 0;
  let steps = 0;
  for (const text of texts) {
    const own: Span[] = [];
    yield* findAll(text, own);
    for (const span of own) {
      const start = base + span.start;
      const end = base + span.end;
      // Both are in order.
      while (next < joined.length && joined[next]!.end <= start) next++;
      if (next === joined.length || joined[next]!.start >= end) spans.push({ ...span, start, end });
      if (++steps % STEPS === 0) yield;
    }
    base += text.length;
  }
  spans.sort((a, b) => a.start - b.start);
}
