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
  /** Mutation observers have been told. */
  observed: () => new Promise((resolve) => queueMicrotask(resolve)),
});
