// An owner that knows its tokens by heart: what the page reader costs without the cost of revealing.

import { BlindtallyError } from "/dist/error.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** `revealer` knows the tokens of `words`, in the same order in `tokens`. */
export async function prepare(words) {
  const tokens = words.map(fakeToken);
  const known = new Map(tokens.map((token, i) => [token, words[i]]));
  return {
    tokens,
    revealer: { revealMany: (asked) => asked.map((token) => known.get(token) ?? new BlindtallyError("reveal.tampered", "not known")) },
  };
}

/** A well-formed token of the length that `word` has as a token, of class app. */
function fakeToken(word, index) {
  const n = Math.ceil((word.length + 1) / 16) * 16;
  const length = Math.ceil((20 + n) * 4 / 3);
  let body = "EQEAAQ";
  // The last character stays A, which has no unused bits set.
  let state = index + 1;
  while (body.length < length - 1) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    body += ALPHABET[state >>> 26];
  }
  return `bt1_${body}A`;
}
