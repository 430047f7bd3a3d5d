// What the pages of the page reader's tests have at hand.

import * as page from "/dist/page.js";
import * as fake from "/tests/fake.js";

/** Any HTML, as the page's own author wrote it: the tests' pages forbid innerHTML to scripts. */
const author = trustedTypes.createPolicy("tests", { createHTML: (html) => html });

Object.assign(globalThis, {
  bt: { ...page, ...fake },
  write(element, html) {
    element.innerHTML = author.createHTML(html);
  },
  /** From now on a millisecond passes at every look at the clock; counts the tasks that run in between slices of work. */
  countTurns() {
    let now = 0;
    performance.now = () => now++;
    const turns = { count: 0 };
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      turns.count++;
      port2.postMessage(0);
    };
    port2.postMessage(0);
    return turns;
  },
  /** Mutation observers have been told. */
  observed: () => new Promise((resolve) => queueMicrotask(resolve)),
});
