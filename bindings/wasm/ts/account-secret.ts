/** The account secret: 128 bits that an owner may keep beside the password and never sends. */
import type { AccountSecret as RawAccountSecret } from "./bridge.js";
import type { AccountSecret } from "./artefacts.js";
import { guarded } from "./init.js";
import { type Typed, utf8, wiping } from "./text.js";

/** 28 characters that an owner may keep beside the password; without them the vault cannot even be guessed at. */
export function generateAccountSecret(): AccountSecret {
  return guarded(({ AccountSecret }) => {
    const raw = AccountSecret.generate();
    const text = raw.encode() as AccountSecret;
    raw.free();
    return text;
  });
}

/** In the module, consumed by the call that it is passed to. */
export async function parseAccountSecret(text: Typed | undefined): Promise<RawAccountSecret | undefined> {
  if (text === undefined) return undefined;
  return wiping(utf8(text), (bytes) => guarded(({ AccountSecret }) => AccountSecret.parse(bytes)));
}
