"""Checks vectors with blindtally.py, and prints one line for each file: `verify.py [DIR [NAME]]`, by default the committed ones.

The lines are printed under NAME, or under python.
"""

import functools
import io
import json
import pathlib
import sys

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

from archive import *

VECTORS = pathlib.Path(__file__).resolve().parent.parent
unhex = bytes.fromhex

def same(test, **got):
    """Every named output that the test gives is the one computed."""
    for name, value in got.items():
        if name in test:
            value = value.hex() if isinstance(value, bytes) else value
            assert value == test[name], f"{name}: {value} is not {test[name]}"

# One function for each type of group: it raises Refused, or compares what it got with what the test says.

def token(group, test):
    master = MasterKey(unhex(group["accountId"]), group["epoch"], unhex(group["masterKey"]))
    if "token" in test:
        value = reveal([master], test["token"])
        same(test, value=value, index=token_index(parse_token(test["token"])))
    if "class" in test:
        key, value = master.class_key(test["class"]), unhex(test["value"])
        made = tokenize(key, master.account_id, test["class"], master.epoch, value)
        same(test, token=token_text(made))

def scan(group, test): same(test, tokens=find_tokens(test["text"]))

def record(group, test):
    master = MasterKey(unhex(group["accountId"]), group["epoch"], unhex(group["masterKey"]))
    if "record" in test:
        same(test, value=open_record([master], test["record"] + "A" * test.get("followed", 0)))
    if "class" in test:
        cls, device, nonce, value = test["class"], unhex(test["deviceId"]), unhex(test["nonce"]), unhex(test["value"])
        key = master.device_key(cls, device)
        made = seal_record(key, master.account_id, cls, master.epoch, device, test["seq"], nonce, value)
        same(test, record="br1_" + b64(made))

def queue_record(group, test):
    agent = Agent.restore(unhex(group["agentState"]))
    same(test, value=open_queued(agent, test["record"]))
    if "class" in test:
        nonce, value = unhex(test["nonce"]), unhex(test["value"])
        made = seal_record(agent.queue_key, agent.account_id, test["class"], 0, agent.device_id(), test["seq"], nonce, value)
        same(test, record="br1_" + b64(made))

def canonical_form(group, test): same(test, output=canonical(group["form"], test["input"]))

def identity(group, test):
    public = Public(unhex(test["encryptionKey"]), unhex(test["signingKey"]))
    device_id = public.device_id(unhex(group["accountId"]))
    same(test, fingerprint=public.fingerprint, code=public.code, deviceId=device_id)

def checked(group, test):
    key = parse_checked_code(test["typed"])
    same(test, key=key, code=checked_code(key))

def account(group, test):
    account_id, prefix = parse_account_code(test["typed"])
    same(test, accountId=account_id, fingerprintPrefix=prefix, code=account_code(account_id, prefix))

@functools.cache
def stretched(kdf, params, salt, account_id, login, password, secret):
    secret = None if secret is None else parse_checked_code(secret)
    return Prelogin(kdf, params, salt, account_id).stretched(login, password, secret)

def prelogin_of(group):
    p = group["prelogin"]
    return Prelogin(p["kdf"], tuple(p["params"]), unhex(p["salt"]), unhex(p["accountId"]))

def unlock(group, vault, seen=0):
    prelogin = prelogin_of(group)
    inputs = group["login"], group["password"], group["accountSecret"]
    s = stretched(*vars(prelogin).values(), *inputs)
    return open_vault(unhex(vault), prelogin, s, seen), s

def vault(group, test):
    keyring, s = unlock(group, test["vault"], test.get("seen", 0))
    wrap, commit = (expand(s, f"blindtally/v1/password/{n}".encode(), 32) for n in ("wrap", "commit"))
    same(test, s=s, wrapKey=wrap, commit=commit, loginProof=login_proof(s), keyring=keyring.encode())
    same(test, recoveryProof=keyring.recovery_proof(), generation=keyring.generation)
    sealed = Wrapped.parse(unhex(test["vault"]), b"V")
    assert sealed.seal(s, keyring.encode()).hex() == test["vault"], "sealing again gives other bytes"
    for pair in test.get("reveals", []):
        assert Owner(keyring).reveal(pair["token"]).hex() == pair["value"]

def kept_login(group, test):
    prelogin = prelogin_of(group)
    kept = resume(group["login"], prelogin, unhex(test["kept"]))
    assert kept.encode().hex() == test["kept"], "keeping it again gives other bytes"
    keyring = parse_vault(unhex(group["vault"]), prelogin).open_with(kept.wrap, kept.commit)
    secret = kept.account_secret and checked_code(kept.account_secret)
    same(test, loginProof=kept.login, wrapKey=kept.wrap, commit=kept.commit, accountSecret=secret, generation=keyring.generation)

def backup(group, test):
    keyring = open_backup(test["file"], group["passphrase"], group["recoveryKey"])
    same(test, keyring=keyring.encode(), generation=keyring.generation, accountId=keyring.account_id)

def ticket(group, test):
    t = Ticket.parse(test["text"])
    mac, name, auth = t.keys()
    same(test, accountId=t.account_id, fingerprint=t.fingerprint, ticketId=t.ticket_id, secret=t.secret)
    same(test, expiry=t.expiry, uses=t.uses, macKey=mac, nameKey=name, authKey=auth, authenticatorHash=sha256(auth))
    root = unhex(group["ticketRoot"]) if "ticketRoot" in group else None
    made = t if root is None else Ticket.issue(root, t.account_id, t.fingerprint, t.ticket_id, t.expiry, t.uses)
    assert made.text() == test["text"].removeprefix("blindtally:"), "issuing again gives another ticket"

def enrollment(group, test):
    keyring, _ = unlock(group, group["vault"])
    owner, request = Owner(keyring), unhex(test["request"])
    name, device_id, needs_comparison = owner.inspect(request, group["now"])
    same(test, name=name and name.decode(), deviceId=device_id, needsComparison=needs_comparison)
    if "typedCode" in test:
        owner.compare(request, group["now"], test["typedCode"])

def tokens_of(agent, test):
    for pair in test.get("tokens", []):
        try:
            if pair["class"] in RECORD_CLASSES:
                got = agent.seal_record(pair["class"], pair["value"], 1) and None
            else:
                got = agent.tokenize(pair["class"], pair["value"])
        except Refused as refusal:
            got = refusal.code
        assert got == pair.get("expect", pair.get("token")), f"class {pair['class']}: {got}"

def on_agent(act):
    def check(group, test):
        agent = Agent.restore(unhex(group["agentState"]))
        before = agent.save()
        try:
            same(test, outcome=act(agent, test))
        except Refused:
            assert agent.save() == before, "a refusal changed the state"
            raise
        same(test, phase=agent.phase, after=agent.save())
        tokens_of(agent, test)
    return check

def agent_state(group, test):
    key = unhex(test["wrapKey"]) if "wrapKey" in test else None
    state = unhex(test["state"])
    agent = Agent.restore(state, key)
    assert agent.save(key, state[4:16]) == state, "saving again gives other bytes"
    same(test, phase=agent.phase, deviceId=agent.device_id())
    tokens_of(agent, test)

def edited(group, test, name):
    """test-vectors/README.md#edits"""
    if name in test:
        return unhex(test[name])
    base, out, at = unhex(group[name]), [], 0
    for offset, dropped, new in test["edits"]:
        assert offset >= at, "edits are in order"
        out += [base[at:offset], unhex(new) if isinstance(new, str) else base[new[0] : new[0] + new[1]]]
        at = offset + dropped
    return b"".join(out) + base[at:]

def blob(group, test):
    master = MasterKey(unhex(group["accountId"]), group["epoch"], unhex(group["masterKey"]))
    data, pieces = edited(group, test, "blob"), []
    try:
        for piece in open_blob([master], io.BytesIO(data)):
            pieces.append(piece)
    except Refused as refusal:
        released = b"".join(pieces)
        same(test, released=sha256(released), releasedLength=len(released))
        opens_elsewhere(master, data, refusal.code)
        raise
    content, header, salt = b"".join(pieces), Start.parse(data[:START]).header, data[47:71]
    same(test, content=content, sha256=sha256(content), length=len(content), salt=salt, **{"class": header.cls})
    same(test, deviceId=header.device_id, blobId=header.blob_id, seq=header.seq)
    assert seal_blob(master, header, salt, content) == data, "sealing again gives other bytes"
    opens_elsewhere(master, data, None, content)

def opens_elsewhere(master, data, code, content=None):
    """With random access, and with the chunked encryption of pyca itself, the same comes out."""
    try:
        file = BlobFile([master], io.BytesIO(data))
        whole = None if file.length is None else file.read(0, file.length)
    except Refused as refusal:
        whole = None
        assert refusal.code == code, f"{refusal.code} with random access instead of {code}"
    assert whole == content, "other content with random access"
    if code and code.startswith("malformed"):
        return
    header = Start.parse(data[:START]).header
    inputs = header.input_key(master), header.context(master.account_id)
    try:
        theirs = Cobblestone256Decryptor(*inputs)
        padded = theirs.update(data[47:]) + theirs.finalize()
        assert code in (None, "blob.plaintext"), "pyca opens it"
        assert content is None or padded == pad(content), "pyca finds other content"
    except InvalidTag:
        assert code not in (None, "blob.plaintext"), "pyca does not open it"
    if content is not None:
        theirs = Cobblestone256Encryptor(*inputs)
        again = header.encode() + theirs.update(pad(content)) + theirs.finalize()
        assert b"".join(open_blob([master], io.BytesIO(again))) == content, "what pyca seals does not open"

@functools.cache
def opened_backup(text, recovery_key): return open_backup(text, None, recovery_key)

def archive(group, test): same(test, **files_of(group, test))

def files_of(group, test):
    """What an archive says of itself and of its files, damaged ones among them."""
    keyring = opened_backup(group["backup"], group["recoveryKey"])
    opened, files = Archive(keyring, io.BytesIO(edited(group, test, "archive"))), []
    for f in opened.files:
        result = {"path": f.path, "length": f.length, "modified": f.modified}
        try:
            content = b"".join(opened.content(f))
            assert len(content) == f.length
            files.append({**result, "sha256": sha256(content).hex()})
        except Refused as refusal:
            files.append({**result, "expect": refusal.code})
    return {"listing": "unlisted" if opened.made is None else "signed", "made": opened.made, "files": files}

CHECKS = {
    "Token": token,
    "Scan": scan,
    "Record": record,
    "QueueRecord": queue_record,
    "CanonicalForm": canonical_form,
    "Identity": identity,
    "CheckedCode": checked,
    "AccountCode": account,
    "Vault": vault,
    "KeptLogin": kept_login,
    "Blob": blob,
    "Archive": archive,
    "Backup": backup,
    "Ticket": ticket,
    "Enrollment": enrollment,
    "Policy": on_agent(lambda agent, test: agent.apply_policy(unhex(test["policy"]))),
    "Delivery": on_agent(lambda agent, test: agent.accept(unhex(test["delivery"]))),
    "AgentState": agent_state,
}

def failure(group, test):
    """None if the test holds, else what is wrong with it."""
    try:
        CHECKS[group["type"]](group, test)
        outcome = "valid"
    except Refused as refusal:
        outcome = refusal.code
    except AssertionError as wrong:
        return str(wrong)
    wanted = test["expect"] if test["result"] == "invalid" else "valid"
    return None if outcome == wanted else f"{outcome} instead of {wanted}"

def check_file(path, name="python"):
    vectors, seen, wrong = json.loads(path.read_text()), set(), []
    for group in vectors["testGroups"]:
        for test in group["tests"]:
            if test["tcId"] in seen:
                wrong.append(f"tcId {test['tcId']} occurs twice")
            seen.add(test["tcId"])
            if problem := failure(group, test):
                wrong.append(f"tcId {test['tcId']} ({test['comment']}): {problem}")
    if len(seen) != vectors["numberOfTests"]:
        wrong.append("numberOfTests is wrong")
    print("\n".join(f"{path.name}: {line}" for line in wrong), end="\n" if wrong else "")
    print(f"vectors: {path.name} {name} {'FAILED' if wrong else len(seen)}")
    return not wrong

if __name__ == "__main__":
    folder, *name = [pathlib.Path(sys.argv[1]), *sys.argv[2:]] if sys.argv[1:] else [VECTORS]
    paths = sorted(folder.glob("*.json"))
    results = [check_file(path, *name) for path in paths]
    sys.exit(0 if paths and all(results) else 1)
