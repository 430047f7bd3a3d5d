"""One function for each type of group: it raises the package's error, or compares what comes out with the test.

What the package does not give out is compared by way of what it does: a keyring by the backup made of it, the keys of a
ticket by its text.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import sys
from datetime import datetime, timezone
from typing import Any, Callable

import blindtally as bt

from .independent import VECTORS
from .world import agent, keyring, owner, pair, restored, theirs

Group = dict[str, Any]
Test = dict[str, Any]
unhex = bytes.fromhex

# Left out: agent_state.json, because agents queue values of token classes only, and one of its cases is a queued record
# of a record class; its states are checked beside these. And questions_agent.json, which holds what the packages have no
# call for.
FILES = [
    "archive.json",
    "archive_damaged.json",
    "archive_paths.json",
    "archive_refused.json",
    "backup.json",
    "blob.json",
    "canonical.json",
    "crockford.json",
    "delivery.json",
    "delivery_refused.json",
    "enrollment.json",
    "identity.json",
    "kept_login.json",
    "keyring.json",
    "policy.json",
    "questions.json",
    "record.json",
    "record_refused.json",
    "scan.json",
    "ticket.json",
    "token.json",
    "vault.json",
]
STATES = "agent_state.json"

TOKEN_CLASSES = [*range(1, 8), *range(128, 192)]
RECORD_CLASSES = [16, 17, 18, *range(192, 224)]
BLOB_CLASSES = [32, 33, 34, 40, *range(224, 256)]


def same(test: Test, **got: object) -> None:
    """Every named output that the test gives is the one that came out."""
    for name, value in got.items():
        if name in test:
            value = bytes(value).hex() if isinstance(value, (bytes, bytearray)) else value
            assert value == test[name], f"{name}: {value!r} is not {test[name]!r}"


@functools.lru_cache(maxsize=4)
def master_key(key: str, account: str, epoch: int) -> tuple[Any, bt.Agent, bt.Restored]:
    master = theirs.MasterKey(unhex(account), epoch, unhex(key))
    forms = [(cls, 0) for cls in sorted(TOKEN_CLASSES + RECORD_CLASSES + BLOB_CLASSES)]
    return master, agent(master, forms), restored(keyring(master))


def token(group: Group, test: Test) -> None:
    _, sealing, opening = master_key(group["masterKey"], group["accountId"], group["epoch"])
    if "token" in test:
        same(test, value=opening.reveal(test["token"]).encode(), index=bt.token_index(test["token"]))
        assert opening.reveal_many([test["token"]]) == [opening.reveal(test["token"])]
    if "class" in test:
        token_class, value = bt.TokenClass(test["class"]), unhex(test["value"]).decode()
        same(test, token=sealing.tokenize(token_class, value))
        assert sealing.tokenize_many(token_class, [value]) == [test["token"]]


def scan(_: Group, test: Test) -> None:
    text = test["text"]
    found = bt.find_tokens(text)
    assert all(text[start:end] == token for start, end, token in found)
    same(test, tokens=[[len(text[:start].encode()), len(text[:end].encode())] for start, end, _ in found])


def record(group: Group, test: Test) -> None:
    _, sealing, opening = master_key(group["masterKey"], group["accountId"], group["epoch"])
    opened = opening.open_record(test["record"] + "A" * test.get("followed", 0))
    same(test, value=opened.value.encode(), deviceId=opened.device, seq=opened.seq, **{"class": opened.record_class.id})
    assert opened.epoch == group["epoch"]
    # The nonce is the package's own choice, and the device is the one that seals.
    again = opening.open_record(sealing.seal_record(opened.record_class, opened.value, opened.seq))
    assert (again.value, again.record_class, again.seq) == (opened.value, opened.record_class, opened.seq)


def edited(group: Group, test: Test, name: str) -> bytes:
    """test-vectors/README.md#edits"""
    if name in test:
        return unhex(test[name])
    base, out, at = unhex(group[name]), b"", 0
    for offset, dropped, new in test["edits"]:
        out += base[at:offset] + (unhex(new) if isinstance(new, str) else base[new[0] : new[0] + new[1]])
        at = offset + dropped
    return out + base[at:]


def blob(group: Group, test: Test) -> None:
    _, sealing, opening = master_key(group["masterKey"], group["accountId"], group["epoch"])
    data = edited(group, test, "blob")
    pieces: list[bytes] = []
    code = None
    try:
        with opening.blob_reader(io.BytesIO(data)) as reader:
            pieces.extend(iter(lambda: reader.read(5000), b""))
            header = reader.header
    except bt.BlindtallyError as refused:
        code = refused.code
    content = b"".join(pieces)
    opens_elsewhere(opening, data, code, content)
    if code is not None:
        same(test, released=hashlib.sha256(content).digest(), releasedLength=len(content))
        opening.open_blob(data)
    same(test, content=content, sha256=hashlib.sha256(content).digest(), length=len(content))
    same(test, deviceId=header.device, blobId=header.id, seq=header.seq, **{"class": header.blob_class.id})
    assert header.epoch == group["epoch"]
    # Id and salt are the package's own choice, and the device is the one that seals.
    assert opening.open_blob(sealing.seal_blob(header.blob_class, content, header.seq)) == content


def opens_elsewhere(opening: bt.Restored, data: bytes, code: str | None, content: bytes) -> None:
    """Whole, and with random access, the same comes out."""
    for found in (lambda: opening.open_blob(data), lambda: opening.blob_file(io.BytesIO(data)).readall()):
        try:
            assert found() == content and code is None, "other content elsewhere"
        except bt.BlindtallyError as refused:
            assert refused.code == code, f"{refused.code} elsewhere instead of {code}"


@functools.lru_cache(maxsize=None)
def opened_backup(text: str, recovery_key: str) -> bt.Restored:
    return bt.Backup.parse(text).open_with_recovery_key(bt.RecoveryKey.parse(recovery_key))


def archive(group: Group, test: Test) -> None:
    keys, files = opened_backup(group["backup"], group["recoveryKey"]), []
    with keys.open_archive(io.BytesIO(edited(group, test, "archive"))) as opened:
        for index, file in enumerate(opened.files):
            result = {"path": file.path, "length": file.length, "modified": int(file.modified.timestamp())}
            try:
                content = opened.read(index)
                assert len(content) == file.length
                files.append({**result, "sha256": hashlib.sha256(content).hexdigest()})
            except bt.BlindtallyError as refused:
                files.append({**result, "expect": refused.code})
        made = opened.made and round(opened.made.timestamp() * 1000)
        same(test, listing=opened.listing, made=made, files=files)


def canonical_form(group: Group, test: Test) -> None:
    master, sealing = with_form(group["form"])
    expected = theirs.tokenize(master.class_key(4), master.account_id, 4, 1, test["output"].encode())
    assert sealing.tokenize(bt.TokenClass.URL, test["input"]) == theirs.token_text(expected), "another output"


@functools.lru_cache(maxsize=None)
def with_form(form: int) -> tuple[Any, bt.Agent]:
    master = theirs.MasterKey(bytes(16), 1, bytes(32))
    return master, agent(master, [(4, form)])


def identity(group: Group, test: Test) -> None:
    """As a device of the table of an account."""
    public = PublicText(unhex(test["encryptionKey"]), unhex(test["signingKey"]))
    device = theirs.Device(public, bytes(16), None, b"laptop", 1, 1, 1)
    keys = keyring(theirs.MasterKey(unhex(group["accountId"]), 1, bytes(32)), devices=(device,))
    [found] = owner(keys).devices
    same(test, fingerprint=found.fingerprint, code=found.code, deviceId=found.id)


class PublicText:
    """Two SPKIs that nobody has looked at."""

    def __init__(self, *spkis: bytes) -> None:
        self.spkis = spkis

    def encoded(self) -> bytes:
        return b"".join(map(theirs.lp, self.spkis))


def checked_code(_: Group, test: Test) -> None:
    key = bt.RecoveryKey.parse(test["typed"])
    same(test, code=key.to_text(), key=theirs.parse_checked_code(key.to_text()))
    secret = bt.AccountSecret.parse(test["typed"])
    assert secret.to_text() == key.to_text()


def account_code(_: Group, test: Test) -> None:
    device = bt.Identity.from_pkcs8(*pair("device1").pkcs8)
    pending, _request = bt.Agent.enroll_by_code(test["typed"], identity=device)
    state = theirs.Agent.restore(bytes(pending.export_state(None)))
    same(test, accountId=pending.account, fingerprintPrefix=state.pin)
    same(test, code=theirs.account_code(state.account_id, state.pin))


def prelogin_of(group: Group) -> bt.Prelogin:
    given = group["prelogin"]
    kdf = (bt.Kdf.pbkdf2 if given["kdf"] == theirs.PBKDF2 else bt.Kdf.argon2id)(*given["params"])
    return bt.Prelogin(kdf=kdf, salt=unhex(given["salt"]), account=given["accountId"])


# By group: what opens its vaults again, since every password is stretched only once.
kept_logins: dict[str, bytes] = {}


def unlock(group: Group, vault: str, seen: int = 0) -> tuple[bt.Owner, bytes]:
    """The owner, and the login proof."""
    inputs = group["login"], group["password"], group["accountSecret"], group["prelogin"]
    name, prelogin = json.dumps(inputs), prelogin_of(group)
    if name in kept_logins:
        login = bt.Login.resume(group["login"], kept_logins[name], prelogin)
    else:
        secret = group["accountSecret"]
        secret = None if secret is None else bt.AccountSecret.parse(secret)
        login = bt.Login.start(group["login"], group["password"], prelogin, account_secret=secret)
    with login:
        proof = login.proof()
        unlocked = login.unlock(unhex(vault), seen)
    kept_logins[name] = unlocked.keep_unlocked()
    return unlocked, proof


def vault(group: Group, test: Test) -> None:
    unlocked, proof = unlock(group, test["vault"], test.get("seen", 0))
    with unlocked:
        kept = theirs.KeptLogin.parse(unlocked.keep_unlocked())
        same(test, loginProof=proof, wrapKey=kept.wrap, commit=kept.commit, generation=unlocked.generation)
        assert unlocked.login_proof() == proof == kept.login
        same(test, recoveryProof=unlocked.recovery_proof(), keyring=keyring_of(unlocked).encode())
        for given in test.get("reveals", []):
            assert unlocked.reveal(given["token"]).encode().hex() == given["value"]


def keyring_of(unlocked: bt.Owner) -> Any:
    backup, key = unlocked.backup_with_recovery_key()
    return theirs.open_backup(backup.to_text(), None, key.to_text())


def kept_login(group: Group, test: Test) -> None:
    with bt.Login.resume(group["login"], unhex(test["kept"]), prelogin_of(group)) as login:
        same(test, loginProof=login.proof())
        with login.unlock(unhex(group["vault"])) as unlocked:
            same(test, generation=unlocked.generation, kept=unlocked.keep_unlocked())


def backup(group: Group, test: Test) -> None:
    parsed = bt.Backup.parse(test["file"])
    if group["passphrase"] is None:
        opened = parsed.open_with_recovery_key(bt.RecoveryKey.parse(group["recoveryKey"]))
    else:
        opened = parsed.open_with_passphrase(group["passphrase"])
    with opened:
        keys = theirs.Keyring.parse(unhex(test["keyring"]))
        same(test, accountId=opened.account)
        assert parsed.account == opened.account
        assert opened.fingerprint == keys.account.fingerprint.hex()
        assert opened.recovery_proof() == keys.recovery_proof()
        for master in keys.master_keys:
            sealed = theirs.tokenize(master.class_key(1), master.account_id, 1, master.epoch, b"winword.exe")
            assert opened.reveal(theirs.token_text(sealed)) == "winword.exe"
    assert bt.Backup.parse(parsed.to_text()).account == keys.account_id.hex()


def ticket(_: Group, test: Test) -> None:
    parsed = bt.Ticket.parse(test["text"])
    same(test, accountId=parsed.account, ticketId=parsed.id, uses=parsed.uses)
    same(test, authenticatorHash=parsed.authenticator_hash())
    assert parsed.to_text() == test["text"].replace("blindtally:", "")
    assert parsed.to_link() == "blindtally:" + parsed.to_text()
    if test["expiry"] < datetime(9999, 1, 1, tzinfo=timezone.utc).timestamp():
        same(test, expiry=int(parsed.expiry.timestamp()))
    same(test, fingerprint=theirs.Ticket.parse(parsed.to_text()).fingerprint)


def enrollment(group: Group, test: Test) -> None:
    unlocked, _ = unlock(group, group["vault"])
    with unlocked:
        request = unlocked.inspect(unhex(test["request"]), now=datetime.fromtimestamp(group["now"], timezone.utc))
        needs_comparison = isinstance(request, bt.ComparisonRequest)
        name = None if isinstance(request, bt.ComparisonRequest) else request.name
        same(test, name=name, deviceId=request.device_id, needsComparison=needs_comparison)
        if isinstance(request, bt.ComparisonRequest) and "typedCode" in test:
            verified = request.confirm(test["typedCode"], "laptop")
            assert (verified.device_id, verified.name) == (request.device_id, "laptop")


AnyAgent = Any


def phase_of(loaded: AnyAgent) -> str:
    if isinstance(loaded, bt.PendingAgent):
        return "pending"
    return "revoked" if loaded.status.kind == "revoked" else "encrypted"


def tokens_of(loaded: AnyAgent, test: Test) -> None:
    for given in test.get("tokens", []):
        try:
            if given["class"] in RECORD_CLASSES:
                got = loaded.seal_record(bt.RecordClass(given["class"]), given["value"], 1) and None
            else:
                got = loaded.tokenize(bt.TokenClass(given["class"]), given["value"])
        except bt.BlindtallyError as refusal:
            got = refusal.code
        assert got == given.get("expect", given.get("token")), f"class {given['class']}: {got}"


def agent_state(_: Group, test: Test) -> None:
    key = unhex(test["wrapKey"]) if "wrapKey" in test else None
    state = unhex(test["state"])
    with bt.load_agent(state, key) as loaded:
        same(test, phase=phase_of(loaded), deviceId=loaded.device_id)
        tokens_of(loaded, test)
        exported = bytes(loaded.export_state(key))
        if key is None:
            assert exported == state, "exporting it again gives other bytes"
        else:
            # The nonce is the package's own choice.
            assert theirs.Agent.restore(exported, key).save() == theirs.Agent.restore(state, key).save()


def on_agent(act: Callable[[AnyAgent, Test], tuple[AnyAgent, str]]) -> Callable[[Group, Test], None]:
    def check(group: Group, test: Test) -> None:
        loaded = bt.load_agent(unhex(group["agentState"]))
        before = loaded.export_state(None)
        try:
            loaded, outcome = act(loaded, test)
        except bt.BlindtallyError:
            assert loaded.export_state(None) == before, "a refusal changed the state"
            raise
        same(test, outcome=outcome, phase=phase_of(loaded))
        if "after" in test:
            same(test, after=bytes(loaded.export_state(None)))
        tokens_of(loaded, test)

    return check


def delivered(loaded: AnyAgent, test: Test) -> tuple[AnyAgent, str]:
    outcome = loaded.accept(unhex(test["delivery"]))
    if isinstance(outcome, bt.Agent):
        return outcome, "accepted"
    return loaded, "accepted" if outcome == "updated" else outcome


CHECKS: dict[str, Callable[[Group, Test], None]] = {
    "Token": token,
    "Scan": scan,
    "Record": record,
    "Blob": blob,
    "Archive": archive,
    "CanonicalForm": canonical_form,
    "Identity": identity,
    "CheckedCode": checked_code,
    "AccountCode": account_code,
    "Vault": vault,
    "KeptLogin": kept_login,
    "Backup": backup,
    "Ticket": ticket,
    "Enrollment": enrollment,
    "AgentState": agent_state,
    "Policy": on_agent(lambda loaded, test: (loaded, loaded.apply_policy(unhex(test["policy"])))),
    "Delivery": on_agent(delivered),
}


def failure(group: Group, test: Test) -> str | None:
    """What is wrong with a case, if anything."""
    try:
        CHECKS[group["type"]](group, test)
        outcome = "valid"
    except bt.BlindtallyError as refusal:
        outcome = refusal.code
    except AssertionError as wrong:
        return str(wrong) or "an output differs"
    wanted = test["expect"] if test["result"] == "invalid" else "valid"
    return None if outcome == wanted else f"{outcome} instead of {wanted}"


def check_file(name: str, types: set[str] | None = None) -> tuple[int, list[str]]:
    """How many cases the file has, and what is wrong with which; only of these types of groups, if given."""
    vectors = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    count, wrong = 0, []
    for group in vectors["testGroups"]:
        if types is not None and group["type"] not in types:
            continue
        for test in group["tests"]:
            count += 1
            try:
                problem = failure(group, test)
            except Exception as error:
                error.add_note(f"{name}: case {test['tcId']} ({test['comment']})")
                raise
            if problem is not None:
                wrong.append(f"{name}: case {test['tcId']} ({test['comment']}): {problem}")
    if types is None and count != vectors["numberOfTests"]:
        wrong.append(f"{name}: {count} cases, and {vectors['numberOfTests']} were announced")
    return count, wrong


def check_states() -> tuple[int, list[str]]:
    return check_file(STATES, {"AgentState"})


def report(implementation: str, files: list[str] | None = None) -> int:
    """Checks all files, or these, prints a line for each that passes, and returns the exit code."""
    passed = True
    for file in files or [*FILES, STATES]:
        count, wrong = check_states() if file == STATES else check_file(file)
        for line in wrong:
            print(line, file=sys.stderr)
        passed &= not wrong
        if not wrong and file != STATES:
            print(f"vectors: {file} {implementation} {count}", flush=True)
    return 0 if passed else 1
