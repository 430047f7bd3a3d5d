"""Makes 1,000 cases with random damage from valid ones: `damage.py OUT SEED DIR...`.

What each must lead to is what this implementation says of it. Where only a checksum, a tag or a signature would notice the
damage and its key is known, it is often made right again, so that what is behind it is reached.
"""

import io
import itertools
import json
import pathlib
import sys
from random import Random

from blob import open_blob
from cases_owner import CHEAP
from identity import Private, Public, load_private, oaep, spki_of
from make_random import KEYS
from verify import CHECKS, edited, files_of, prelogin_of, stretched, unhex
from world import *

# How many of each file. What stretches a password in every implementation comes rarely.
COUNTS = {
    "token": 150, "record": 100, "blob": 90, "ticket": 90, "enrollment": 100, "delivery": 100, "policy": 80, "agent_state": 100,
    "crockford": 60, "identity": 30, "backup": 70, "vault": 12, "kept_login": 12, "archive": 6,
}
STRETCHES = 10
LONGEST, LONGEST_TOKEN = 100_000, 5834
TYPED = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghijklmnopqrstuvwxyzUOIL-_= \t\n\r:.+/\u00a0\u0085\u2028\u200b\ufeff\u0131\u017f\uff10"
INPUTS = {
    "Token": ["token"], "Record": ["record"], "QueueRecord": ["record"], "Blob": ["blob"], "Ticket": ["text"], "Enrollment": ["request", "typedCode"],
    "Delivery": ["delivery"], "Policy": ["policy"], "AgentState": ["state", "wrapKey"], "CheckedCode": ["typed"], "AccountCode": ["typed"],
    "Identity": ["encryptionKey", "signingKey"], "Backup": ["file"], "Vault": ["vault", "seen"], "KeptLogin": ["kept"], "Archive": ["archive"],
}
TEXTS = {"Token": "bt1_", "Record": "br1_", "QueueRecord": "br1_", "Ticket": "btt1_", "CheckedCode": None, "AccountCode": None, "Backup": None}

def signers():
    """By public key, the private keys of the repository's."""
    keys = [load.read_bytes() for load in sorted(KEYS.glob("*.pkcs8"))]
    return {spki_of(load_private(key)): key for key in keys}

class Damager:
    def __init__(self, seed, cases):
        self.rng, self.cases, self.signers, self.stretches = Random(seed), cases, signers(), 0

    def place(self, length):
        """Anywhere, but often near one of the ends, where most fields are."""
        near = self.rng.randrange(min(length, 64) + 1)
        return self.rng.choice([near, length - near, self.rng.randrange(length + 1)])

    def damage(self, data, other):
        """Bytes or text with one fault, and what that is."""
        rng, at = self.rng, self.place(len(data))
        some = rng.choice([1, 2, rng.randrange(1, 40)])
        new = rng.randbytes(some) if isinstance(data, bytes) else "".join(rng.choices(TYPED, k=some))
        ways = {
            "dropped": lambda: data[:at] + data[at + some :],
            "inserted": lambda: data[:at] + new + data[at:],
            "replaced": lambda: data[:at] + new + data[at + some :],
            "cut off": lambda: data[:at],
            "beginning cut off": lambda: data[at:],
            "doubled": lambda: data[:at] + data[max(0, at - some) :],
            "spliced": lambda: data[:at] + other[at:],
            "a window of another": lambda: data[:at] + other[at : at + some] + data[at + some :],
            "followed by another": lambda: data + other[:some],
        }
        if isinstance(data, bytes):
            ways |= {"one bit": lambda: self.one_bit(data, at), "a number one up or down": lambda: self.counted(data, at)}
        else:
            ways |= {"another case": lambda: data[:at] + data[at:].swapcase(), "one character": lambda: data[:at] + new[0] + data[at + 1 :]}
        how = rng.choice([*ways, *list(ways)[-2:] * 3])
        return ways[how](), how

    def one_bit(self, data, at):
        at = min(at, len(data) - 1)
        return put(data, at, u8(data[at] ^ 1 << self.rng.randrange(8)))

    def counted(self, data, at):
        at = min(at, len(data) - 1)
        return put(data, at, u8((data[at] + self.rng.choice([-1, 1])) % 256))

    def other(self, name, kind, field):
        group, test = self.rng.choice([case[1:] for case in self.cases[name] if case[1]["type"] == kind])
        return self.value(group, test, field)

    def value(self, group, test, field):
        if group["type"] in ("Blob", "Archive"):
            return edited(group, test, field)
        return test[field] if group["type"] in TEXTS or field == "typedCode" else unhex(test[field])

    def case(self, name):
        """A damaged case: where it is from and how it was damaged, its group, and the test without a verdict."""
        source, group, test = self.rng.choice(self.cases[name])
        kind = group["type"]
        fields = [field for field in INPUTS[kind] if field in test and field not in ("seen", "wrapKey")] or INPUTS[kind]
        field = self.rng.choice(fields)
        value, other = self.value(group, test, field), self.other(name, kind, fields[0] if field == "typedCode" else field)
        if field == "typedCode":
            other = checked_code(self.rng.randbytes(16))
        if len(value) > LONGEST:
            return None
        if self.rng.random() < 0.5 and (mended := self.mended(group, test, value, other)):
            value, how = mended
        elif TEXTS.get(kind) and self.rng.random() < 0.6:
            prefix = value[: value.index("_") + 1]
            data, how = self.damage(prefixed(value, prefix), unb64(other[other.index("_") + 1 :]))
            value = prefix + b64(data)
        else:
            value, how = self.damage(value, other)
        # Blobs and archives are given whole.
        group = {name: given for name, given in group.items() if name not in ("archive", "blob")}
        test = {name: given for name, given in test.items() if name != "edits"}
        return f"{source} {field}: {how}", group, {**test, field: value.hex() if isinstance(value, bytes) else value}

    def mended(self, group, test, value, other):
        """Damaged with its checksum, tag or signature right, or None where that cannot be done."""
        mend = getattr(self, "mended_" + group["type"].lower(), None)
        made = mend and mend(group, test, value, other)
        return made and (made[0], f"{made[1]}, and made right again")

    def mended_token(self, group, test, value, other):
        master, data = MasterKey(unhex(group["accountId"]), group["epoch"], unhex(group["masterKey"])), prefixed(value, "bt1_")
        plain, how = self.damage(pad(unhex(test["value"])), pad(other.encode()))
        return token_text(seal_padded(master.class_key(data[1]), master.account_id, data[:4], plain)), how

    def mended_record(self, group, test, value, other):
        master, data = MasterKey(unhex(group["accountId"]), group["epoch"], unhex(group["masterKey"])), prefixed(value, "br1_")
        plain, how = self.damage(pad(unhex(test["value"])), pad(other.encode()))
        key = master.device_key(data[1], data[4:20])
        return "br1_" + b64(seal_record_padded(key, master.account_id, data[:28], data[28:40], plain)), how

    def mended_ticket(self, group, test, value, other):
        prefix = value[: value.index("_") + 1]
        body, how = self.damage(unb64(value[len(prefix) :])[:-4], unb64(other[other.index("_") + 1 :])[:-4])
        return prefix + b64(body + ticket_check(body)), how

    def mended_keptlogin(self, group, test, value, other):
        body, how = self.damage(value[:-4], other[:-4])
        return body + kept_login_check(body), how

    def mended_backup(self, group, test, value, other):
        """The bytes of the backup, or the keyring in it."""
        backup, code = parse_backup(value)
        sealed, account_id = backup.encode(), backup.account_id
        if group["recoveryKey"] is not None and self.rng.random() < 0.7:
            s = backup.stretched(parse_checked_code(group["recoveryKey"]))
            keyring, how = self.damage(backup.open(s).encode(), other.encode())
            sealed = backup.seal(s, keyring)
        else:
            sealed, how = self.damage(sealed, parse_backup(other)[0].encode())
        return backup_file(sealed, code, account_id, "recovery key"), how

    def mended_vault(self, group, test, value, other):
        vault, inputs = Wrapped.parse(value, b"V"), (group["login"], group["password"], group["accountSecret"])
        s = stretched(*vars(prelogin_of(group)).values(), *inputs)
        keyring, how = self.damage(vault.open(s).encode(), other)
        return vault.seal(s, keyring), how

    def resigned(self, label, value, signer, other):
        if signer not in self.signers:
            return None
        length = 2 + load_private(self.signers[signer]).key_size // 8
        body, how = self.damage(value[:-length], other)
        encryption = next(key for spki, key in self.signers.items() if spki != signer)
        return Private(encryption, self.signers[signer]).signed(label, body), how

    def mended_enrollment(self, group, test, value, other):
        if isinstance(value, str):
            return None
        return self.resigned(b"enrollment", value, Request(value).device.spkis[1], other)

    def mended_policy(self, group, test, value, other):
        return self.resigned(b"policy", value, Agent.restore(unhex(group["agentState"])).account.spkis[1], other)

    def mended_delivery(self, group, test, value, other):
        """The whole of what is signed, or a header for which the rest is made anew."""
        r = Reader(value)
        header, account, kem, ct = r.take(HEADER), Public.read(r), r.lp(MAX_RSA), r.lp32(MAX_DELIVERY)
        signer = account.spkis[1]
        if signer not in self.signers or account.spkis[0] not in self.signers or self.rng.random() < 0.3:
            return self.resigned(b"delivery", value, signer, other)
        device, keys = Agent.restore(unhex(group["agentState"])).device, Private(*(self.signers[spki] for spki in account.spkis))
        label = sha256(header).hex().encode()
        cek = device.decryption.decrypt(kem, oaep(label))
        bundle = open_sealed(hkdf(sha256(header), cek, b"blindtally/v1/delivery", 32), bytes(12), ct, header + lp(kem), "")
        if self.rng.random() < 0.5:
            bundle, how = self.damage(bundle, other)
        else:
            header, how = self.damage(header, other[:HEADER])
        return seal_delivery(header, device, keys, bundle), how

    def mended_agentstate(self, group, test, value, other):
        if "wrapKey" not in test:
            return None
        key, nonce = unhex(test["wrapKey"]), value[4:16]
        state, how = self.damage(open_sealed(key, nonce, value[16:], b"BTS\x82", ""), other)
        return b"BTS\x82" + nonce + seal(key, nonce, state, b"BTS\x82"), how

    def judged(self, comment, group, test):
        """The test with its verdict; None for what is not worth a case: other outputs than before, or too costly."""
        kind = group["type"]
        if kind == "QueueRecord" and is_kept(group, test["record"]) or kind == "Backup" and self.is_costly(group, test):
            return None
        if kind == "Archive":
            test = {name: given for name, given in test.items() if name not in ("made", "files", "listing")}
        about = {"comment": comment}
        try:
            CHECKS[kind](group, test)
        except AssertionError:
            return None
        except Refused as refusal:
            # Of a token that is too long, SPEC.md does not say what else is looked at before.
            if kind == "Token" and len(test["token"]) > LONGEST_TOKEN and refusal.code != "malformed.too-long":
                return None
            inputs = {name: test[name] for name in INPUTS[kind] if name in test}
            return {**about, **inputs, **released(group, test), "result": "invalid", "expect": refusal.code}
        found = files_of(group, test) if kind == "Archive" else {}
        return {**test, **about, **{name: given for name, given in found.items() if given is not None}, "result": "valid"}

    def is_costly(self, group, test):
        """Whether it takes a stretch that is dear or one of too many."""
        try:
            backup, _ = parse_backup(test["file"])
        except Refused:
            return False
        if group["passphrase"] is None or backup.kdf == NO_KDF:
            return False
        self.stretches += 1
        return self.stretches > STRETCHES or any(p > 2 * c for p, c in zip(backup.params, CHEAP[backup.kdf]))

    def file(self, name, count):
        groups, made = [], 0
        while made < count:
            if (drawn := self.case(name)) is None:
                continue
            comment, group, test = drawn
            if (judged := self.judged(comment, group, test)) is None:
                continue
            made += 1
            inputs = {name: given for name, given in group.items() if name != "tests"}
            groups.append({**inputs, "tests": [{**judged, "tcId": made}]})
        return {"algorithm": name, "header": ["Damaged at random."], "numberOfTests": made, "testGroups": groups}

HEADER = len(DeliveryHeader(*(bytes(16),) * 2, 1, 1, *(bytes(32),) * 3, *(bytes(16),) * 2).encode())

def is_kept(group, text):
    """An agent's own queue record of a record class, or of a class it has no key of, cannot be opened by every implementation."""
    try:
        cls = prefixed(text, "br1_")[1:2]
        return cls in map(u8, CLASSES - BLOB_CLASSES - TOKEN_CLASSES.intersection(Agent.restore(unhex(group["agentState"])).keys))
    except Refused:
        return False

def released(group, test):
    """SPEC.md#blob: what a stream gave out before it failed."""
    if group["type"] != "Blob":
        return {}
    pieces = []
    try:
        master = MasterKey(unhex(group["accountId"]), group["epoch"], unhex(group["masterKey"]))
        for piece in open_blob([master], io.BytesIO(unhex(test["blob"]))):
            pieces.append(piece)
    except Refused:
        pass
    return {"released": sha256(*pieces).hex(), "releasedLength": len(b"".join(pieces))}

def cases_in(folders):
    """By file, all valid cases with where they are from and their groups."""
    cases = {name: [] for name in COUNTS}
    for folder, name in itertools.product(folders, COUNTS):
        path = folder / f"{name}.json"
        for group in json.loads(path.read_text())["testGroups"] if path.exists() else []:
            about = {name: given for name, given in group.items() if name != "tests"}
            cases[name] += [(f"{folder.name} tcId {test['tcId']}", about, test) for test in group["tests"] if test["result"] == "valid"]
    return cases

if __name__ == "__main__":
    out, seed, *folders = sys.argv[1:]
    damager = Damager(int(seed), cases_in([pathlib.Path(folder) for folder in folders]))
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    for name, count in COUNTS.items():
        (pathlib.Path(out) / f"{name}.json").write_text(json.dumps(damager.file(name, count), indent=1) + "\n")
