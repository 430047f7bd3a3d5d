// A real owner with the tokens of some words, as fake.js has an invented one.
import { tools } from "/bench/browser.js";

export async function prepare(words) {
  const revealer = await tools.unlock();
  return { tokens: words.map((word) => revealer.tokenizeTyped("app", word)), revealer };
}
