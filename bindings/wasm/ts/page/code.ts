/**
 * What the page reader refuses, beside the codes of the core (SPEC.md, "Errors"). Like those, these never change.
 *
 * | code | meaning |
 * |---|---|
 * | `page.class` | this part of the page may not show this kind of value |
 * | `page.disconnected` | the reader was disconnected: make a new one |
 * | `page.file-encoding` | the file is not UTF-8 text |
 * | `page.file-kind` | the file is neither text, HTML, CSV nor a backup |
 * | `page.locked` | the reader is locked |
 * | `page.option` | an option has a value that it cannot have |
 * | `page.policy` | attributes may be shown only under a Content-Security-Policy whose style, image and font sources are the page's own |
 * | `page.revealer` | the revealer's reply is not one item for each token |
 * | `page.too-large` | it is larger than what is opened here |
 * | `page.too-many-tokens` | the page holds more different tokens than it may show |
 * | `page.url` | it is not an http or https address that may be opened |
 */
export type PageCode =
  | "page.class"
  | "page.disconnected"
  | "page.file-encoding"
  | "page.file-kind"
  | "page.locked"
  | "page.option"
  | "page.policy"
  | "page.revealer"
  | "page.too-large"
  | "page.too-many-tokens"
  | "page.url";

/** What the title over a token that stays says. `code` is one of the core or a {@link PageCode}. */
export function explain(code: string): string {
  switch (code) {
    case "reveal.no-key": return "There is no key here for this token.";
    case "reveal.tampered": return "This token is damaged or belongs to another account.";
    case "reveal.plaintext": return "This token holds no valid value.";
    case "page.class": return "This part of the page does not show this kind of value.";
    case "page.too-many-tokens": return "This page holds more different tokens than it may show.";
    default: return "This token cannot be read.";
  }
}
