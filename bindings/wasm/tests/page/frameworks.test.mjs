// Frameworks render under the reader, and neither fights the other.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compile as compileSvelte } from "svelte/compiler";
import { compileTemplate } from "vue/compiler-sfc";
import { pageTest, server } from "./harness.mjs";

const compilers = {
  name: "compilers",
  setup({ onLoad }) {
    const load = (filter, compile) => onLoad({ filter }, async ({ path }) => ({ contents: compile(await readFile(path, "utf8")), loader: "js" }));
    load(/\.svelte$/, (source) => compileSvelte(source, { generate: "client", css: "injected" }).js.code);
    load(/\.vue\.html$/, (source) => compileTemplate({ source, filename: "report.vue.html", id: "report" }).code);
  },
};

const FRAMEWORKS = { React: "react.jsx", Svelte: "svelte.js", Vue: "vue.js" };

for (const [name, file] of Object.entries(FRAMEWORKS)) {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [fileURLToPath(new URL(`frameworks/${file}`, import.meta.url))], bundle: true, write: false, format: "esm", jsx: "automatic",
    conditions: ["browser", "production"], plugins: [compilers], logLevel: "error",
    define: {
      "process.env.NODE_ENV": "\"production\"", __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
  });
  server.pages.set(`/${name}.js`, { body: text, type: "text/javascript" });
}

for (const name of Object.keys(FRAMEWORKS)) {
  pageTest(`${name} renders words under the reader, and after lock what it renders without one`, async (page) => {
    const steps = await page.evaluate(async (name) => {
      const { mount } = await import(`/${name}.js`);
      const owner = new bt.FakeOwner();
      const [winword, excel, chrome, mail] = ["winword.exe", "excel.exe", "chrome.exe", "mail"].map((word) => owner.token(word, 1, 32));
      const foreign = owner.refused();
      const row = (id, text, title) => ({ id, text, title });
      const first = {
        heading: "Report", app: winword, minutes: 5, note: excel, detail: "",
        rows: [row(1, winword), row(2, excel), row(3, "plain"), row(4, foreign)],
      };
      const states = [
        first,
        { ...first },
        { ...first, minutes: 6 },
        { ...first, app: chrome, heading: mail },
        { ...first, app: "nothing", heading: "Plain" },
        { ...first, detail: `${mail}, ${chrome}` },
        { ...first, detail: mail, rows: [row(2, excel), row(5, chrome), row(1, mail)] },
        { ...first, rows: [row(4, winword), row(3, foreign, "own"), row(2, foreign), row(1, winword)] },
        { ...first, rows: [] },
        first,
      ];
      const [shown, bare] = [document.createElement("main"), document.createElement("div")];
      document.body.append(shown, bare);
      const words = (html) => {
        for (const [token, word] of owner.words) html = html.replaceAll(token, word);
        return html;
      };
      // The reasons that the reader adds are no part of the comparison of words.
      const untitled = (element) => element.innerHTML.replaceAll(" title=\"why\"", "");
      const reports = [mount(shown, first), mount(bare, first)];
      const reader = bt.readPage(shown, owner, { explain: () => "why" });
      const right = [];
      for (const [i, state] of states.entries()) {
        for (const report of reports) await report.set(state);
        await reader.settled();
        right.push([i, untitled(shown) === words(bare.innerHTML), shown.querySelectorAll("[title=why]").length]);
        if (i % 3 === 1) {
          // Locked in the middle of its life, the page is the framework's own; then words again.
          reader.lock();
          right.push(["locked", shown.innerHTML === bare.innerHTML]);
          for (const report of reports) await report.set({ ...state, note: chrome, heading: "while locked" });
          right.push(["rendered while locked", shown.innerHTML === bare.innerHTML]);
          reader.unlock();
        }
      }
      reader.lock();
      right.push(["at the end", shown.innerHTML === bare.innerHTML]);
      reader.unlock();
      await reader.settled();
      for (const report of reports) report.unmount();
      await reader.settled();
      right.push(["unmounted", shown.innerHTML === bare.innerHTML, reader.statistics.places]);
      return right;
    }, name);
    assert.deepEqual(steps, [
      [0, true, 1], [1, true, 1], ["locked", true], ["rendered while locked", true], [2, true, 1], [3, true, 1], [4, true, 1], ["locked", true],
      ["rendered while locked", true], [5, true, 1], [6, true, 0], [7, true, 1], ["locked", true], ["rendered while locked", true], [8, true, 0],
      [9, true, 1], ["at the end", true], ["unmounted", true, 0],
    ]);
  });
}
