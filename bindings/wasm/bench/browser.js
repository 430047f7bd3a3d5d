// The tools of a page.
import * as blobs from "/dist/blob.js";
import * as blindtally from "/dist/index.js";
import { unlock } from "/bench/account.js";

const BASE64URL = { alphabet: "base64url", omitPadding: true };
await blindtally.init();
const vectors = await (await fetch("/vectors/keyring.json")).json();

export const tools = {
  ...blindtally,
  ...blobs,
  unlock: () => unlock(blindtally, vectors),
  ...await import("/bench/noble.js"),
  toText: (bytes) => bytes.toBase64(BASE64URL),
  fromText: (text) => Uint8Array.fromBase64(text, BASE64URL),
};
