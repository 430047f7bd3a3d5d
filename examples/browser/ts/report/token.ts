/** What can be told of a token without a key: SPEC.md#token, its header. */
import { type Token, TOKEN_CLASSES } from "blindtally";

export interface Header {
  readonly token: Token;
  /** As the service names it; undefined for an application's own. */
  readonly class: string | undefined;
  readonly epoch: number;
}

const NAMES = new Map<number, string>(Object.entries(TOKEN_CLASSES).map(([name, id]) => [id, name]));

/** Which of two tokens is newer; nothing for what is no token. */
export const epochOf = (token: string): number => header(token)?.epoch ?? 0;

/** The header that a text claims to have; undefined of what is no token by its form. Only revealing proves the claim. */
export function header(text: string): Header | undefined {
  if (!/^bt1_[A-Za-z0-9_-]{48,5830}$/.test(text)) return undefined;
  const [suite, id, high, low] = atob(text.slice(4, 12).replaceAll("-", "+").replaceAll("_", "/"))
    .split("", 4).map((byte) => byte.charCodeAt(0)) as [number, number, number, number];
  const epoch = high << 8 | low;
  return suite === 0x11 && epoch > 0 ? { token: text as Token, class: NAMES.get(id), epoch } : undefined;
}
