// What one kind of artefact is good for, another is not; and results say what they may be.
import {
  type AccountSecret, Agent, asToken, type BackupText, Backup, type BlindtallyError, type Delivery, type EnrollmentRequest, type KeptLogin,
  Login, Owner, type PendingAgent, type SealedRecord, type SignedPolicy, type Token, type Vault,
} from "blindtally";
import { archiveWriter, openArchive, openBlob, sealBlob } from "blindtally/blob";
import { OwnerWorker, type Remote } from "blindtally/worker";
import { readPage } from "blindtally/page";

declare const owner: Owner;
declare const agent: Agent;
declare const pending: PendingAgent;
declare const login: Login;
declare const [vault, delivery, request, policy]: [Vault, Delivery, EnrollmentRequest, SignedPolicy];
declare const [token, record, backup]: [Token, SealedRecord, BackupText];

owner.reveal(token);
owner.reveal(asToken("bt1_"));
// @ts-expect-error a token from elsewhere is checked first
owner.reveal("bt1_");
// @ts-expect-error a record is no token
owner.reveal(record);
// @ts-expect-error a token is no record
agent.dequeue(token);
login.unlock(vault);
// @ts-expect-error a delivery is no vault
login.unlock(delivery);
// @ts-expect-error plain bytes are checked first
login.unlock(new Uint8Array());
const kept: KeptLogin = await owner.keepUnlocked();
const resumed: Login = await Login.resume(kept);
// @ts-expect-error a kept login is bound to a name and a prelogin
Login.resume({ key: kept.key, iv: kept.iv, sealed: kept.sealed });
// @ts-expect-error it is sealed: there is no password in it
Login.start(kept);
void resumed;
pending.accept(delivery);
// @ts-expect-error a request is no delivery
pending.accept(request);
owner.inspect(request);
// @ts-expect-error a policy is no request
owner.inspect(policy);
agent.applyPolicy(policy);
// @ts-expect-error a vault is no policy
agent.applyPolicy(vault);
// @ts-expect-error a device's id is no ticket's
owner.cancelTicket(owner.devices()[0]!.id);
Backup.parse(backup);
// @ts-expect-error a backup is no token
owner.reveal(backup);
// @ts-expect-error there is no such class
agent.tokenize("application", "x");
// @ts-expect-error agents do not reveal
agent.reveal(token);
// @ts-expect-error a request without a ticket is not approved like one with a ticket
owner.approve({ kind: "needs-comparison", request, device: owner.devices()[0]!.id });

for (const result of owner.revealMany([token])) {
  const word: string | BlindtallyError = result;
  // @ts-expect-error it may be an error
  const certain: string = result;
  void [word, certain];
}

const remote: Remote<Owner> = (await (await OwnerWorker.start()).create({ login: "anna", password: "x" })).owner;
const words: Promise<(string | BlindtallyError)[]> = remote.revealMany([token]);
const approved: Promise<bigint> = remote.rotate().then((change) => change.expected);
const keptFromWorker: Promise<KeptLogin> = remote.keepUnlocked();
const worker = await OwnerWorker.start({ timeout: 5_000 });
const remoteLogin: Remote<Login> = await worker.resume(kept);
const accountSecret: AccountSecret = await worker.generateAccountSecret();
void [keptFromWorker, remoteLogin, accountSecret];
// @ts-expect-error what is not public is not remote
remote.take();
void [words, approved];
readPage(document, owner);
readPage(document, remote);

for (const opener of [owner, remote]) {
  const file = await openBlob(opener, new Blob());
  const size: number = file.size;
  const stream = await openBlob(opener, new ReadableStream<Uint8Array>());
  // @ts-expect-error what is streamed has no size and no places
  stream.slice(0, size);
  const archive = await openArchive(opener, new Uint8Array());
  const content: Blob = await archive.file(0).blob();
  await (await archiveWriter(opener)).add("a", { modified: 0, content });
}
const { header, body } = await sealBlob(agent, "screenshot", { seq: new Date(), content: new Blob() });
const upload: [string, Blob] = [header.id, body];
// @ts-expect-error there is no such class
void sealBlob(agent, "picture", { seq: 0n, content: new Blob() });
// @ts-expect-error agents do not open
void openBlob(agent, new Blob());
const opened: string = owner.openRecord(record).value;
// @ts-expect-error a token is no record
owner.openRecord(token);
void [upload, opened];
