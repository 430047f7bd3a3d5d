// What the core sealed natively (tests/npm.rs of the core) opens here, and npm.archive opens there.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { archiveWriter, openArchive, openBlob } from "../../dist/blob.js";
import { Backup, init } from "../../dist/node.js";
import { CHEAP, refused } from "./account.mjs";

await init();
const folder = join(import.meta.dirname, "core");
const file = (name) => Uint8Array.from(readFileSync(join(folder, name)));
const content = (length) => Uint8Array.from({ length }, (_, at) => at % 251);
const [key, ...lines] = readFileSync(join(folder, "backup.txt"), "utf8").split("\n");
const restored = await Backup.parse(lines.join("\n")).openWithRecoveryKey(key);

test("blobs that the core sealed open, at every edge of a chunk", async () => {
  for (const length of [0, 1, 15, 16, 16_383, 16_384, 16_385, 40_000]) {
    const opened = await openBlob(restored, file(`${length}.blob`));
    assert.deepEqual([opened.header.class, opened.header.seq, opened.size], ["screenshot", 7n, length]);
    assert.deepEqual(await opened.bytes(), content(length));
    assert.deepEqual(await (await openBlob(restored, new Blob([file(`${length}.blob`)]).stream())).bytes(), content(length));
  }
});

test("archives of the core's and of this package's open alike", async () => {
  if (!existsSync(join(folder, "npm.archive"))) {
    const { owner } = await restored.restore({ login: "anna", password: "secret", kdf: CHEAP });
    const writer = await archiveWriter(owner, { now: 1_700_000_000_000 });
    for (const length of [0, 512, 20_000]) await writer.add(`files/${length}`, { modified: 0, content: content(length) });
    writeFileSync(join(folder, "npm.archive"), Buffer.from(await (await writer.finish()).arrayBuffer()));
  }
  const [again] = [await Backup.parse(lines.join("\n")).openWithRecoveryKey(key)];
  for (const name of ["core.archive", "npm.archive"]) {
    const archive = await openArchive(again, file(name));
    assert.equal(archive.listing, "signed");
    for (const [number, length] of [0, 512, 20_000].entries()) {
      assert.deepEqual(await archive.file(number).bytes(), content(length));
    }
  }
  await refused("archive.other-account", () => openArchive(again, file("16.blob")));
});
