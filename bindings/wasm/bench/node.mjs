// The tools of Node.
import { readFileSync } from "node:fs";
import { gcm, gcmsiv } from "@noble/ciphers/aes.js";
import * as blobs from "../dist/blob.js";
import * as blindtally from "../dist/node.js";
import { unlock } from "./account.js";

await blindtally.init();
const vectors = JSON.parse(readFileSync(new URL("../../../test-vectors/keyring.json", import.meta.url)));

export const tools = {
  ...blindtally,
  ...blobs,
  unlock: () => unlock(blindtally, vectors),
  gcm,
  gcmsiv,
  toText: (bytes) => Buffer.from(bytes).toString("base64url"),
  fromText: (text) => Buffer.from(text, "base64url"),
};
