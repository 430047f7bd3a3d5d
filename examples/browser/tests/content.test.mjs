// What a content is taken for by its first bytes: only what is on the list is ever shown.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compiled } from "./compiled.mjs";

let contentType, folder;
before(async () => {
  let modules;
  ({ modules, folder } = await compiled({ type: join(import.meta.dirname, "../ts/sealed/content-type.ts") }));
  ({ contentType } = modules);
});
after(() => rm(folder, { recursive: true, force: true }));

const typeOf = async (start) => contentType(new Blob([Buffer.from(start, "latin1")]));

test("pictures and recordings are known by their first bytes", async () => {
  for (const [start, extension, shows] of [
    ["\x89PNG\r\n\x1a\n....", "png", "picture"],
    ["\xff\xd8\xff\xe0", "jpg", "picture"],
    ["GIF89a", "gif", "picture"],
    ["RIFF\x10\0\0\0WEBP", "webp", "picture"],
    ["RIFF\x10\0\0\0WAVE", "wav", "recording"],
    ["OggS", "ogg", "recording"],
    ["ID3\x04", "mp3", "recording"],
    ["\xff\xfb\x90\x64", "mp3", "recording"],
    ["\0\0\0\x20ftypM4A ", "m4a", "recording"],
    ["\x1a\x45\xdf\xa3", "webm", "recording"],
  ]) {
    const type = await typeOf(start);
    assert.deepEqual([type.extension, type.shows], [extension, shows], start);
  }
});

test("nothing else is shown, whatever it is", async () => {
  for (const start of [
    "", "<svg xmlns=", "<?xml version", "<!DOCTYPE html>", "<html>", "%PDF-1.7", "BM\x36\0", "\0\0\x01\0", "MZ\x90", "PK\x03\x04", "\x89PN",
    "RIFF\x10\0\0\0AVI ", "\xff\xff\xff\xff", " \x89PNG\r\n\x1a\n",
  ]) {
    assert.deepEqual(await typeOf(start), { extension: "bin", mime: "application/octet-stream", shows: "nothing" }, start);
  }
});
