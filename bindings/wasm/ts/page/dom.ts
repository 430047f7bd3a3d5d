/**
 * The parts of the DOM that the page reader uses on elements and documents that it does not know. Markup can replace any
 * property of a form or a document by an element with that name, so these are taken from the prototypes. (Text and
 * attribute nodes, shadow roots and frames have no such names.)
 */

function read<T extends object, K extends keyof T>(prototype: T, name: K, receiver: T): T[K] {
  return Reflect.get(prototype, name, receiver) as T[K];
}

/** A form whose `nodeType` is one of its fields is no text either. */
export function isText(node: Node): node is Text {
  return node.nodeType === 3;
}

export function isDocument(node: Node): node is Document {
  return nodeType(node) === 9;
}

export function nodeType(node: Node): number {
  return read(Node.prototype, "nodeType", node);
}

export function firstChild(node: Node): ChildNode | null {
  return read(Node.prototype, "firstChild", node);
}

export function lastChild(node: Node): ChildNode | null {
  return read(Node.prototype, "lastChild", node);
}

export function nextSibling(node: Node): ChildNode | null {
  return read(Node.prototype, "nextSibling", node);
}

export function parentOf(element: Element): Element | null {
  return read(Node.prototype, "parentElement", element);
}

export function bodyOf(page: Document): HTMLElement {
  return read(Document.prototype, "body", page);
}

export function closest(element: Element, selector: string): Element | null {
  return Element.prototype.closest.call(element, selector);
}

export function matches(element: Element, selector: string): boolean {
  return Element.prototype.matches.call(element, selector);
}

export function contains(ancestor: Node, node: Node | null): boolean {
  return Node.prototype.contains.call(ancestor, node);
}

export function documentOf(node: Node): Document {
  return isDocument(node) ? node : read(Node.prototype, "ownerDocument", node) as Document;
}

/** Whether the parser still adds to the document, also to texts that are there. */
export function isLoading(page: Document): boolean {
  return read(Document.prototype, "readyState", page) === "loading";
}

export function isBeingDesigned(page: Document): boolean {
  return read(Document.prototype, "designMode", page) === "on";
}

export function windowOf(page: Document): (Window & typeof globalThis) | null {
  return read(Document.prototype, "defaultView", page);
}

/** Nodes below `root`, and `root` itself; it goes on rightly when the page changes between two steps. */
export function nodesOf(root: Node, what: "SHOW_ELEMENT" | "SHOW_TEXT"): NodeIterator {
  return Document.prototype.createNodeIterator.call(documentOf(root), root, NodeFilter[what]);
}

/** A form's may be one of its fields instead of a string. */
export function localName(element: Element): string {
  const name: unknown = element.localName;
  return typeof name === "string" ? name : "form";
}

export function attribute(element: Element, name: string): Attr | null {
  return Element.prototype.getAttributeNode.call(element, name);
}

export function setAttribute(element: Element, name: string, value: string): void {
  Element.prototype.setAttribute.call(element, name, value);
}

export function removeAttribute(element: Element, name: string): void {
  Element.prototype.removeAttribute.call(element, name);
}

export function isHtml(element: Element): boolean {
  return read(Element.prototype, "namespaceURI", element) === "http://www.w3.org/1999/xhtml";
}

/** The open shadow root of an element; page code cannot be asked about a closed one. */
export function shadowOf(element: Element): ShadowRoot | null {
  const shadow = element.shadowRoot;
  return shadow !== null && nodeType(shadow) === 11 ? shadow : null;
}

/** The document in a frame of the page's own origin. */
export function frameDocument(element: Element): Document | null {
  return (element as HTMLIFrameElement).contentDocument;
}

export function isFrame(element: Element): element is HTMLIFrameElement | HTMLFrameElement {
  const name = localName(element);
  return (name === "iframe" || name === "frame") && isHtml(element);
}

/** The frame elements whose documents the reader has entered. */
const frames = new WeakMap<Document, Element>();

export function enterFrame(frame: Element, page: Document): void {
  frames.set(page, frame);
}

/** The element that a tree hangs from: the host of a shadow root, the frame of a document; none for a page's own. */
export function hostOf(element: Element): Element | null {
  const root = Node.prototype.getRootNode.call(element);
  if (isDocument(root)) {
    const frame = frames.get(root);
    return frame !== undefined && frameDocument(frame) === root ? frame : null;
  }
  return nodeType(root) === 11 ? (root as Partial<ShadowRoot>).host ?? null : null;
}
