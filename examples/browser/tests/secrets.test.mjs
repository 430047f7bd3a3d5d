// Everything that crossed the network and everything that the service keeps, searched for what must be in neither: secrets
// of the owner, keys, and the words that the agents sealed.
import assert from "node:assert/strict";
import { createHash, createHmac, createPrivateKey, pbkdf2Sync } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { gcmsiv } from "@noble/ciphers/aes.js";
import { addComputer, confirmBackup, EXPORT, go, logIn, PASSWORD, picture, put, Scene, seeded, ticketOf, tone } from "./harness.mjs";

const scene = new Scene();
after(() => scene.end());

/** Below this, bytes and characters that are random would hold it by chance. */
const SHORTEST = 8;

/** Bytes in every form in which a careless program sends them. */
function forms(bytes) {
  const text = bytes.toString("utf8");
  const found = [bytes, Buffer.from(text, "utf16le"), Buffer.from(bytes.toString("hex")), Buffer.from(bytes.toString("hex").toUpperCase())];
  found.push(Buffer.from(encodeURIComponent(text)), Buffer.from(JSON.stringify(text).slice(1, -1)));
  for (const encoding of ["base64", "base64url"]) {
    // At each of the three places where it may begin in a longer text: what is the same whatever surrounds it.
    for (let before = 0; before < 3; before++) {
      const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString(encoding).replace(/=+$/, "");
      found.push(Buffer.from(whole.slice(Math.ceil(before * 4 / 3), Math.floor((before + bytes.length) * 4 / 3))));
    }
  }
  return found.filter(({ length }) => length >= SHORTEST);
}

/**
 * The service with a network before its dashboard: what goes through it, each question with its answer. What a browser tells
 * of its network is not enough here, since it forgets the bodies of answers when it is busy.
 */
async function wiretap(scene, service) {
  const entries = [];
  const relay = createServer(async (question, answer) => {
    const sent = Buffer.concat(await question.toArray());
    const onward = ask(service.url + question.url, { method: question.method, headers: question.headers, agent: false });
    const [answered] = await once(onward.end(sent), "response");
    const got = Buffer.concat(await answered.toArray());
    entries.push({ url: question.url, status: answered.statusCode, headers: [question.headers, answered.headers], sent, got });
    answer.writeHead(answered.statusCode, answered.headers).end(got);
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  scene.finally(() => {
    relay.closeAllConnections();
    relay.close();
  });
  return { ...service, entries, dashboard: `http://127.0.0.1:${relay.address().port}` };
}

/** Every word that was recorded. */
function words() {
  const found = new Set();
  for (const { events } of Object.values(JSON.parse(readFileSync(EXPORT, "utf8")).buckets)) {
    for (const { data } of events) {
      for (const value of Object.values(data)) if (typeof value === "string" && Buffer.byteLength(value) >= SHORTEST) found.add(value);
    }
  }
  return [...found];
}

/** The keys behind a password, and the MasterKeys in the vault that it opens (SPEC.md#vault, SPEC.md#keyring). */
function keysOf(vault, login, password) {
  const [kdf, iterations] = [vault[4], vault.readUInt32BE(5)];
  assert.equal(kdf, 1);
  const name = Buffer.from(login);
  const bound = createHash("sha256")
    .update(Buffer.concat([Buffer.from("blindtally/v1/salt"), Buffer.from([0, name.length]), name, vault.subarray(25, 41), Buffer.from([1]), vault.subarray(9, 25)]))
    .digest();
  const stretched = pbkdf2Sync(password, bound, iterations, 32, "sha256");
  const expand = (label) => createHmac("sha256", stretched).update(label).update(Buffer.from([1])).digest();
  const wrap = expand("blindtally/v1/password/wrap");
  const header = vault.subarray(0, 94);
  const keyring = Buffer.from(gcmsiv(wrap, header.subarray(82), header).decrypt(vault.subarray(94)));
  const epochs = keyring.readUInt16BE(28);
  const masterKeys = Array.from({ length: epochs }, (_, at) => keyring.subarray(32 + at * 34, 64 + at * 34));
  const pkcs8 = 30 + epochs * 34 + 4;
  const der = keyring.subarray(pkcs8, pkcs8 + keyring.readUInt32BE(pkcs8 - 4));
  const { d, p } = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "jwk" });
  return { stretched, wrap, masterKeys, exponent: Buffer.from(d, "base64url"), prime: Buffer.from(p, "base64url") };
}

// SPEC.md#kept-login-stays, SPEC.md#ticket-service
test("neither the network nor the service's database holds a secret or a word", async () => {
  const login = "mara@example.org";
  const service = await wiretap(scene, await scene.service());
  const { page, context, saved, computers, problems, requests } = await seeded(scene, service, await scene.browser(), login);

  const record = "a record: nobody but Mara reads that the seal is hers";
  const [shot, voice] = [picture(3), tone(1)];
  put(join(scene.folder, "shots"), "shot.png", shot, "2026-03-12T07:00:00Z");
  put(join(scene.folder, "voice"), "voice.wav", voice, "2026-03-12T07:10:00Z");
  writeFileSync(join(scene.folder, "records.jsonl"), `${JSON.stringify({ time: "2026-03-12T07:00:00Z", class: "chat", value: record })}\n`);
  const collected = computers[0].collect({ screenshot: join(scene.folder, "shots"), voice: join(scene.folder, "voice") }, join(scene.folder, "records.jsonl"));
  assert.deepEqual([collected.blobs, collected.records], [2, 1]);

  // Whatever there is to do, with secrets of each kind.
  await go(page, "Screenshots");
  await page.getByRole("img", { name: "Screenshot" }).waitFor();
  await go(page, "Voice");
  await page.getByRole("button", { name: "Open the recording" }).click();
  await page.locator("audio").waitFor();
  await go(page, "Records");
  await page.getByText(record).waitFor();
  await go(page, "Archives");
  const exporting = page.waitForEvent("download");
  await page.getByRole("button", { name: "Make the archive" }).click();
  const archive = readFileSync(await (await exporting).path());
  await go(page, "Devices");
  const { ticket, link } = await ticketOf(page, { uses: 2 });
  await addComputer(scene, service, page, "a third computer");
  await page.getByRole("button", { name: "Revoke a third computer" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("row", { name: "a third computer" }).getByText("Revoked").waitFor();
  await go(page, "Categories");
  await page.getByLabel("Category of winword.exe").selectOption("New category…");
  await page.getByRole("dialog").getByLabel("Name").fill("Paper and patience");
  await page.getByRole("dialog").getByRole("button", { name: "Assign" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await go(page, "Reports");
  for (const kind of ["Titles", "Documents", "Addresses"]) {
    await page.getByRole("group").getByText(kind, { exact: true }).click();
    await page.getByRole("heading", { name: kind, level: 2 }).waitFor();
  }
  await go(page, "Security");
  await page.getByRole("switch").click();
  await page.getByText("What the service holds").first().waitFor();
  await page.getByLabel("Stay unlocked").check();
  await page.getByLabel("Stay unlocked").and(page.locator(":enabled")).waitFor();
  const card = page.getByRole("region", { name: "Backups" });
  await card.getByRole("button", { name: "New backup with a passphrase" }).click();
  await card.getByLabel("Passphrase of the backup").fill("a passphrase for the backup");
  await card.getByLabel("The same again").fill("a passphrase for the backup");
  await card.getByRole("button", { name: "Save the backup file" }).click();
  await card.getByText("The backup is saved.").waitFor();
  await card.getByRole("button", { name: "New backup with a recovery key" }).click();
  const { recoveryKey } = await confirmBackup(page);
  const passwords = page.getByRole("region", { name: "Change the password" });
  await passwords.getByLabel("New password").fill("the second password of all");
  await passwords.getByLabel("The same again").fill("the second password of all");
  await passwords.getByRole("button").click();
  await passwords.getByText("The password is changed.").waitFor();
  const storage = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  await page.getByRole("button", { name: "Lock" }).click();
  await logIn(page, login, "the second password of all");
  await page.getByRole("heading", { name: "Security" }).waitFor();
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  await context.close();
  // A look that was under way when the password changed belongs to a session that has ended; it is made again.
  assert.deepEqual(problems.filter((text) => !text.includes("status of 401")), []);

  assert.deepEqual(requests.filter((url) => !url.startsWith(`${service.dashboard}/`) && !url.startsWith(`blob:${service.dashboard}/`)), []);
  const api = service.entries.filter(({ url }) => url.startsWith("/api/"));
  assert.ok(api.length > 50, "the network was recorded");
  const network = Buffer.concat(api.flatMap(({ url, headers, sent, got }) => [Buffer.from(JSON.stringify([url, headers])), sent, got]));
  await service.stop();
  const database = Buffer.concat(readdirSync(scene.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && join(entry.parentPath, entry.name).slice(scene.folder.length).startsWith("/blindtally.db"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name))));
  assert.ok(network.includes("bt1_") && database.includes("bt1_"), "what is searched is what has the tokens");
  const sealed = Buffer.from("BTB\x31\x20", "latin1");
  assert.ok(network.includes(sealed) && database.includes(sealed), "and the blobs");

  const vaultOf = ({ got }) => Buffer.from(JSON.parse(got).vault, "base64url");
  const logins = api.filter(({ url, status }) => url.endsWith("/login") && status === 200);
  const { stretched, wrap, masterKeys, exponent, prime } = keysOf(vaultOf(logins.at(-1)), login, "the second password of all");
  assert.equal(masterKeys.length, 2, "the revocation began a second epoch");

  const secrets = {
    "the first password": PASSWORD,
    "the second password": "the second password of all",
    "the passphrase": "a passphrase for the backup",
    "the recovery key of the first backup": saved.recoveryKey,
    "its characters": saved.recoveryKey.replaceAll("-", ""),
    "the recovery key of the second": recoveryKey,
    "the ticket": ticket,
    "its link": link,
    "the stretched password": stretched,
    "the wrap key": wrap,
    "the private key": exponent,
    "its prime": prime,
    "the category": "Paper and patience",
    "the device": "a third computer",
    "the record": record,
    // Parts of a file that no other file has.
    "the screenshot": shot.subarray(100, 150),
    "the recording": voice.subarray(100, 150),
  };
  masterKeys.forEach((key, at) => secrets[`MasterKey ${at + 1}`] = key);
  const places = { "the network": network, "the database": database, "the browser's storage": Buffer.from(storage + stored), "the archive": archive };
  for (const [place, content] of Object.entries(places)) {
    for (const [name, secret] of Object.entries(secrets)) {
      for (const form of forms(Buffer.from(secret))) assert.ok(!content.includes(form), `${place} holds ${name}`);
    }
    for (const word of words()) {
      for (const form of forms(Buffer.from(word))) assert.ok(!content.includes(form), `${place} holds the value ${JSON.stringify(word)}`);
    }
  }
  // The search finds what is there: the proof that was sent, and a token that was answered.
  const proof = createHmac("sha256", stretched).update("blindtally/v1/password/login").update(Buffer.from([1])).digest();
  assert.ok(forms(proof).some((form) => network.includes(form)));
});
