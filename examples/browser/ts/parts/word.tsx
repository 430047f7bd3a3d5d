/** A word of a stranger's, or what stands in its place: only ever text, and whatever is in it stays within its own line. */
import { explainCode } from "../explain.ts";
import type { Row } from "../report/merge.ts";

/** What would act on the text around it, or could not be seen. Joiners may stay: emoji and many scripts are written with them. */
const ACTING = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text that shows what it holds. */
export function visible(text: string): string {
  return text.replace(ACTING, (character) => {
    const code = character.codePointAt(0)!;
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\u{${code.toString(16)}}`;
  });
}

export function Word({ row: { value, unreadable } }: { row: Pick<Row, "value" | "unreadable"> }) {
  if (value === null) return <span class="word quiet">not assigned</span>;
  if (unreadable !== undefined) {
    const why = explainCode(unreadable);
    return (
      <span class="word unreadable" title={why}>
        <bdi><code>{visible(value.slice(0, 16))}…</code></bdi><span class="hidden"> cannot be read. {why}</span>
      </span>
    );
  }
  if (value.trim() === "") return <span class="word quiet">{value === "" ? "(empty)" : "(blank)"}</span>;
  const text = visible(value);
  return <bdi class="word" title={text}>{text}</bdi>;
}

/** The same where only a string can stand, as in an accessible name. */
export const wordText = ({ value, unreadable }: Pick<Row, "value" | "unreadable">): string =>
  value === null ? "not assigned" : unreadable !== undefined ? "what cannot be read" : visible(value).trim() || "(empty)";
