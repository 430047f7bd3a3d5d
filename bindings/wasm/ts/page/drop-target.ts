/** "Open encrypted file" and "Save decrypted file": reports that were exported or e-mailed, and backups. */

import { BlindtallyError } from "../error.js";
import { revealCsv } from "./csv.js";
import { revealHtmlFragment, serialize } from "./html.js";
import { revealText, type TextOptions } from "./text.js";
import type { Revealer } from "./words.js";

/** A file that was opened, with words for its tokens. */
export interface OpenedFile {
  readonly name: string;
  readonly kind: "text" | "csv" | "html";
  /** What to show: text as text, or a fragment in which nothing acts or loads. */
  readonly content: string | DocumentFragment;
}

/** What the drop target says, for other languages. */
export interface DropTargetLabels {
  readonly open: string;
  readonly save: string;
  readonly opened: (name: string) => string;
  readonly failed: (error: unknown) => string;
}

export interface DropTargetOptions extends TextOptions {
  /** Gets every file that was opened. */
  readonly onOpen?: (file: OpenedFile) => void;
  /** Gets the bytes of a backup file (SPEC.md#backup), which a reader of tokens cannot open. */
  readonly onBackup?: (file: Uint8Array, name: string) => void;
  /** Told why a file was not opened, beside the message to the person. */
  readonly onError?: (error: unknown) => void;
  /** Larger files are refused. Default 16,777,216. */
  readonly maxBytes?: number;
  readonly labels?: Partial<DropTargetLabels>;
  /** Aborting it disconnects the drop target. */
  readonly signal?: AbortSignal;
}

const LABELS: DropTargetLabels = {
  open: "Open encrypted file",
  save: "Save decrypted file",
  opened: (name) => `${name} is decrypted.`,
  failed: (error) => `The file was not opened: ${error instanceof BlindtallyError ? error.message : "something went wrong"}.`,
};

const BACKUP = "-----BEGIN BLINDTALLY BACKUP-----";

/**
 * Fills `element` with a button that opens a file, a status line and a button that saves the decrypted file, and opens
 * files dropped on it. While a file is dragged over it, it has the attribute `data-dragging`, for the page's style.
 *
 * Files are UTF-8 text (.txt, .md, .log), CSV (.csv, .tsv), HTML (.html, .htm) or backups.
 *
 * @throws BlindtallyError; files are refused with `page.file-encoding`, `page.file-kind`, `page.too-large` or what the revealer throws
 */
export function dropTarget(element: HTMLElement, revealer: Revealer, options: DropTargetOptions = {}): DropTarget {
  return new DropTarget(element, revealer, options);
}

export class DropTarget {
  readonly #revealer: Revealer;
  readonly #options: DropTargetOptions;
  readonly #labels: DropTargetLabels;
  readonly #element: HTMLElement;
  readonly #open: HTMLButtonElement;
  readonly #input: HTMLInputElement;
  readonly #status: HTMLElement;
  readonly #save: HTMLButtonElement;
  readonly #listening = new AbortController();
  #decrypted: { readonly name: string; readonly file: Blob } | undefined;
  #opening = 0;

  constructor(element: HTMLElement, revealer: Revealer, options: DropTargetOptions) {
    this.#element = element;
    this.#revealer = revealer;
    this.#options = options;
    this.#labels = { ...LABELS, ...options.labels };
    this.#open = button(this.#labels.open);
    this.#save = button(this.#labels.save);
    this.#save.hidden = true;
    this.#input = document.createElement("input");
    this.#input.type = "file";
    this.#input.hidden = true;
    this.#status = document.createElement("p");
    this.#status.setAttribute("role", "status");
    element.append(this.#open, this.#input, this.#status, this.#save);

    this.#on(this.#open, "click", () => this.#input.click());
    this.#on(this.#save, "click", () => this.#saveFile());
    this.#on(this.#input, "change", () => this.#take(this.#input.files));
    this.#on(element, "dragover", (event) => this.#drag(event as DragEvent));
    this.#on(element, "dragleave", () => element.removeAttribute("data-dragging"));
    this.#on(element, "drop", (event) => {
      this.#drag(event as DragEvent);
      element.removeAttribute("data-dragging");
      this.#take((event as DragEvent).dataTransfer?.files);
    });
    options.signal?.addEventListener("abort", () => this.disconnect(), { once: true });
  }

  /** Opens a file, as if it had been dropped. It never rejects: the person and `onError` are told. */
  async open(file: File): Promise<void> {
    this.lock();
    const opening = this.#opening;
    try {
      const opened = await this.#reveal(file);
      if (opening !== this.#opening) return;
      this.#status.textContent = opened === undefined ? "" : this.#labels.opened(file.name);
      if (opened === undefined) return;
      this.#decrypted = { name: decryptedName(file.name), file: blobOf(opened) };
      this.#save.hidden = false;
      this.#options.onOpen?.(opened);
    } catch (error) {
      if (opening !== this.#opening) return;
      this.#status.textContent = this.#labels.failed(error);
      this.#options.onError?.(error);
    }
  }

  /** Forgets the decrypted file. What `onOpen` was given is the page's. */
  lock(): void {
    this.#opening++;
    this.#decrypted = undefined;
    this.#save.hidden = true;
    this.#status.textContent = "";
  }

  /** `lock`, and takes everything out of the element again. */
  disconnect(): void {
    this.lock();
    this.#listening.abort();
    for (const part of [this.#open, this.#input, this.#status, this.#save]) part.remove();
    this.#element.removeAttribute("data-dragging");
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }

  #on(target: EventTarget, type: string, listener: (event: Event) => void): void {
    target.addEventListener(type, listener, { signal: this.#listening.signal });
  }

  #drag(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.#element.setAttribute("data-dragging", "");
  }

  #take(files: FileList | null | undefined): void {
    const file = files?.[0];
    if (file !== undefined) void this.open(file);
    // The same file can then be chosen again.
    this.#input.value = "";
  }

  /** Nothing for a backup, which is handed on. */
  async #reveal(file: File): Promise<OpenedFile | undefined> {
    const { name } = file;
    if (file.size > (this.#options.maxBytes ?? 16 << 20)) throw new BlindtallyError("page.too-large", "it is larger than what is opened here");
    if ((await file.slice(0, 65536).text()).includes(BACKUP) && this.#options.onBackup) {
      this.#options.onBackup(new Uint8Array(await file.arrayBuffer()), name);
      return undefined;
    }
    const kind = kindOf(name);
    const text = await decode(file);
    if (kind === "html") return { name, kind, content: await revealHtmlFragment(text, this.#revealer, this.#options) };
    const reveal = kind === "csv" ? revealCsv : revealText;
    return { name, kind, content: await reveal(text, this.#revealer, this.#options) };
  }

  #saveFile(): void {
    if (this.#decrypted === undefined) return;
    const { name, file } = this.#decrypted;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

function button(label: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  return made;
}

function kindOf(name: string): OpenedFile["kind"] {
  const extension = /\.([a-z]+)$/.exec(name.toLowerCase())?.[1] ?? "";
  if (["txt", "md", "log"].includes(extension)) return "text";
  if (["csv", "tsv"].includes(extension)) return "csv";
  if (["html", "htm"].includes(extension)) return "html";
  throw new BlindtallyError("page.file-kind", "it is neither text, HTML, CSV nor a backup");
}

async function decode(file: File): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch (error) {
    throw error instanceof TypeError ? new BlindtallyError("page.file-encoding", "it is not UTF-8 text") : error;
  }
}

function blobOf({ name, kind, content }: OpenedFile): Blob {
  const type = { text: "text/plain", csv: "text/csv", html: "text/html" }[kind];
  return new Blob([typeof content === "string" ? content : serialize(content, name)], { type });
}

function decryptedName(name: string): string {
  return name.replace(/(\.[^.]*)?$/, "-decrypted$1");
}
