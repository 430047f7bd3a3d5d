"""Cases about what an owner opens and judges: vaults, keyrings, backups, tickets, enrollment requests."""

import copy

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from identity import spki_of
from world import *

CHEAP = {PBKDF2: (600_000,), ARGON2ID: (19_456, 2, 1)}
NOW = 1_760_000_000
DAY = 86_400

class Locked:
    """A login, and vaults sealed under it."""

    def __init__(self, account_id, kdf=ARGON2ID, params=None, login="anna@example.com", password="correct horse", secret=None):
        self.login, self.password, self.secret = login, password, secret
        self.prelogin = Prelogin(kdf, params or CHEAP[kdf], random(16), account_id)
        key = None if secret is None else parse_checked_code(secret)
        try:
            self.s = self.prelogin.stretched(login, password, key)
        except Refused:
            self.s = random(32)

    def inputs(self, **changed):
        p = self.prelogin
        prelogin = {"kdf": p.kdf, "params": list(p.params), "salt": p.salt, "accountId": p.account_id}
        made = {"login": self.login, "password": self.password, "accountSecret": self.secret, "prelogin": prelogin}
        return {**made, **changed}

    def wrapped(self, generation, **changed):
        p = self.prelogin
        made = Wrapped(b"V", p.kdf, p.params, p.salt, p.account_id, LOGIN, generation, nonce=random(12))
        return replace(made, **changed)

    def seal(self, keyring, generation=7): return self.wrapped(generation).seal(self.s, keyring)

    def valid(self, g, comment, keyring, **fields):
        wrap, commit = (expand(self.s, f"blindtally/v1/password/{n}".encode(), 32) for n in ("wrap", "commit"))
        private = {"s": self.s, "wrapKey": wrap, "commit": commit, "loginProof": login_proof(self.s)}
        about = {"keyring": keyring.encode(), "generation": keyring.generation, "recoveryProof": keyring.recovery_proof()}
        g.valid(comment, vault=self.seal(keyring.encode(), keyring.generation), **fields, **private, **about)

def vault_file():
    file = File("vault", "Vaults and the logins that open them: SPEC.md#vault. seen is the highest generation remembered, 0 if absent.")
    a = account("small account", 2048)
    keyring, code = a.keyring(), checked_code(random(16))
    for comment, locked in {
        "PBKDF2": Locked(a.id, PBKDF2),
        "PBKDF2 and an account secret": Locked(a.id, PBKDF2, secret=code),
        "Argon2id and an account secret": Locked(a.id, secret=code),
        "Argon2id with more passes and lanes": Locked(a.id, params=(19_456, 3, 2)),
        "login name and password that NFKC changes": Locked(a.id, login="\uff21\ufb01N\u2460", password="\u212bngstro\u0308m \ufb01"),
        "login name that lower-casing changes": Locked(a.id, login="\u0391\u039b\u0395\u039e\u0391\u03a3 \u0130K\u212a"),
        "a login name of 321 bytes that NFKC makes 107": Locked(a.id, login="\uff41" * 107),
        "a password of 1,026 bytes that NFKC makes 342": Locked(a.id, password="\uff41" * 342),
        "the longest password": Locked(a.id, password="x" * 1024),
        "password of one space": Locked(a.id, password=" "),
    }.items():
        locked.valid(file.group("Vault", **locked.inputs()), comment, keyring)
    locked = Locked(a.id)
    g = file.group("Vault", **locked.inputs())
    locked.valid(g, "Argon2id", keyring, seen=0)
    locked.valid(g, "the generation that was seen", keyring, seen=7)
    locked.valid(g, "a generation above the one seen", keyring, seen=6)
    g.invalid("a generation below the one seen", "unlock.rolled-back", vault=locked.seal(keyring.encode()), seen=8)
    good = locked.seal(keyring.encode())
    damaged_vaults(g, locked, good, keyring)
    with_secret = Locked(a.id, secret=code)
    vault = with_secret.seal(keyring.encode())
    wrong = {
        "wrong password": (locked.inputs(password="correct horsf"), good),
        "wrong login name": (locked.inputs(login="anne@example.com"), good),
        "an account secret where there is none": (locked.inputs(accountSecret=code), good),
        "no account secret where there is one": (with_secret.inputs(accountSecret=None), vault),
        "wrong account secret": (with_secret.inputs(accountSecret=checked_code(random(16))), vault),
    }
    for comment, (inputs, sealed) in wrong.items():
        file.group("Vault", **inputs).invalid(comment, "unlock.wrong", vault=sealed)
    mistyped = with_secret.inputs(accountSecret=code[:-1] + ("2" if code[-1] != "2" else "3"))
    file.group("Vault", **mistyped).invalid("account secret mistyped", "recovery-key.invalid", vault=vault)
    for kdf, params, code in (
        (PBKDF2, (599_999,), "kdf.below-floor"), (PBKDF2, (0,), "kdf.below-floor"),
        (PBKDF2, (10_000_001,), "kdf.above-ceiling"), (PBKDF2, (2**32 - 1,), "kdf.above-ceiling"),
        (ARGON2ID, (19_455, 2, 1), "kdf.below-floor"), (ARGON2ID, (19_456, 1, 1), "kdf.below-floor"),
        (ARGON2ID, (19_456, 2, 0), "kdf.below-floor"), (ARGON2ID, (1_048_577, 2, 1), "kdf.above-ceiling"),
        (ARGON2ID, (19_456, 17, 1), "kdf.above-ceiling"), (ARGON2ID, (19_456, 2, 5), "kdf.above-ceiling"),
    ):
        weak = Locked(a.id, kdf, params)
        file.group("Vault", **weak.inputs()).invalid(f"parameters {params}", code, vault=weak.seal(keyring.encode())[:200])
    logins = {
        "empty": "", "a space at its start": " anna", "a space at its end": "anna ", "a space once normalised": "\u00a0anna",
        "a control character": "an\u0007na", "a line end": "anna\n", "a C1 control character": "an\u0085na",
        "321 bytes": "x" * 321, "321 bytes once normalised": "\ufb03" * 107,
    }
    for comment, login in logins.items():
        file.group("Vault", **locked.inputs(login=login)).invalid(f"login name: {comment}", "login.invalid", vault=good[:200])
    for comment, password in {"empty": "", "1,025 bytes": "x" * 1025, "1,026 bytes once normalised": "\ufb03" * 342}.items():
        file.group("Vault", **locked.inputs(password=password)).invalid(f"password: {comment}", "password.invalid", vault=good[:200])
    return file

def kept_login_file():
    file = File("kept login", "Logins that were kept: SPEC.md#kept-login. The group gives what the client resumes with, and the vault that it then opens.")
    a = account("small account", 2048)
    keyring, code = a.keyring(), checked_code(random(16))

    def group(locked, **changed):
        inputs = {name: locked.inputs()[name] for name in ("login", "prelogin")}
        return file.group("KeptLogin", **{**inputs, "vault": locked.seal(keyring.encode()), **changed})

    def keep(locked, **changed):
        keys = [expand(locked.s, f"blindtally/v1/password/{n}".encode(), 32) for n in ("login", "wrap", "commit")]
        secret = None if locked.secret is None else parse_checked_code(locked.secret)
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", locked.login).lower()).encode()
        return replace(KeptLogin(name, locked.prelogin, *keys, secret), **changed)

    for comment, locked in {
        "PBKDF2": Locked(a.id, PBKDF2),
        "PBKDF2 and an account secret": Locked(a.id, PBKDF2, secret=code),
        "Argon2id": Locked(a.id),
        "login name that normalising changes": Locked(a.id, login="\uff21\ufb01N\u2460"),
        "the longest: a name of 320 bytes, Argon2id, an account secret": Locked(a.id, login="x" * 320, secret=code),
    }.items():
        kept = keep(locked)
        private = {"loginProof": kept.login, "wrapKey": kept.wrap, "commit": kept.commit, "accountSecret": locked.secret}
        group(locked).valid(comment, kept=kept.encode(), **private, generation=7)

    locked = Locked(a.id, secret=code)
    kept, p = keep(locked), locked.prelogin
    good = kept.encode()
    group(locked, login="hanna@example.com").invalid("another login name", "unlock.kept-login", kept=good)
    other = Locked(a.id, secret=code)
    group(locked, vault=other.seal(keyring.encode())).invalid("the vault after a new password", "unlock.header", kept=good)
    weak = Locked(a.id, PBKDF2, (599_999,))
    group(weak).invalid("parameters below the floor, inside too", "kdf.below-floor", kept=keep(weak).encode())
    steep = Locked(a.id, PBKDF2, (10_000_001,))
    group(steep).invalid("parameters above the ceiling, inside too", "kdf.above-ceiling", kept=keep(steep).encode())

    g = group(locked)
    def refuse(comment, code, data): g.invalid(comment, code, kept=data)
    def checked(body): return body + kept_login_check(body)
    for comment, changed in {
        "a name that is not normalised": {"name": b"Anna@example.com"},
        "another KDF than at prelogin": {"prelogin": replace(p, kdf=PBKDF2, params=CHEAP[PBKDF2])},
        "more memory than at prelogin": {"prelogin": replace(p, params=(19_457, 2, 1))},
        "parameters below the floor inside only": {"prelogin": replace(p, params=(8, 1, 1))},
        "salt is not prelogin's": {"prelogin": replace(p, salt=random(16))},
        "account is not prelogin's": {"prelogin": replace(p, account_id=random(16))},
    }.items():
        refuse(comment, "unlock.kept-login", replace(kept, **changed).encode())
    refuse("of another password", "unlock.wrong", replace(keep(other), prelogin=p).encode())
    refuse("another wrap key", "unlock.wrong", replace(kept, wrap=random(32)).encode())
    refuse("another commitment", "unlock.wrong", replace(kept, commit=random(32)).encode())
    body, at = good[:-4], 6 + len(kept.name)
    for comment, code, where, new in (
        ("wrong magic", "malformed.magic", 0, b"bt"), ("kind of a vault", "malformed.kind", 2, b"V"),
        ("kind of an agent's state", "malformed.kind", 2, b"S"), ("suite 0x82", "malformed.suite", 3, u8(0x82)),
        ("suite of a vault", "malformed.suite", 3, u8(0x41)), ("KDF 0", "malformed.value", at, u8(0)),
        ("KDF 3, which only a recovery key has", "malformed.value", at, u8(3)), ("KDF 4", "malformed.value", at, u8(4)),
        ("neither with an account secret nor without", "malformed.value", len(body) - 17, u8(2)),
        ("order: no account secret, but its bytes", "malformed.trailing", len(body) - 17, u8(0)),
    ):
        refuse(comment, code, checked(put(body, where, new)))
    for comment, name in {
        "an empty name": b"", "a name that is not UTF-8": b"anna\xff", "a name with a space at its end": b"anna ",
        "a name with a control character": b"an\x07na",
    }.items():
        refuse(comment, "malformed.value", replace(kept, name=name).encode())
    refuse("a name of 321 bytes", "malformed.too-long", replace(kept, name=b"x" * 321, account_secret=None).encode())
    without = replace(kept, account_secret=None).encode()[:-4]
    refuse("an account secret that is not there", "malformed.truncated", checked(put(without, len(without) - 1, u8(1))))
    refuse("empty", "malformed.truncated", b"")
    refuse("ends early", "malformed.truncated", good[:-1])
    # SPEC.md#kept-login-checksum
    refuse("a byte after its end", "malformed.trailing", good + b"\x00")
    refuse("489 bytes", "malformed.too-long", good.ljust(489, b"\x00"))
    refuse("checksum flipped", "malformed.checksum", flip(good))
    refuse("login key flipped", "malformed.checksum", flip(good, at + 45))
    refuse("account secret flipped", "malformed.checksum", flip(good, -5))
    refuse("order: another name, and a wrong checksum", "malformed.checksum", flip(good, 6))
    return file

def damaged_vaults(g, locked, good, keyring):
    def refuse(comment, code, vault): g.invalid(comment, code, vault=vault)

    refuse("wrong magic", "malformed.magic", put(good, 0, b"bt"))
    refuse("kind of a backup", "malformed.kind", put(good, 2, b"K"))
    refuse("kind of a keyring", "malformed.kind", put(good, 2, b"R"))
    refuse("suite 0x42", "malformed.suite", put(good, 3, u8(0x42)))
    refuse("KDF 0", "malformed.value", put(good, 4, u8(0)))
    refuse("KDF 4", "malformed.value", put(good, 4, u8(4)))
    refuse("KDF 3, which only a recovery key has", "malformed.value", locked.wrapped(7, kdf=NO_KDF, params=()).seal(locked.s, b""))
    other = locked.wrapped(7, kdf=PBKDF2, params=CHEAP[PBKDF2]).seal(locked.s, keyring.encode())
    refuse("another KDF than at prelogin", "unlock.header", other)
    for at, params in enumerate([(19_457, 2, 1), (19_456, 3, 1), (19_456, 2, 2)]):
        refuse(f"parameter {at + 1} is not prelogin's", "unlock.header", put(good, 5, b"".join(map(u32, params))))
    refuse("salt is not prelogin's", "unlock.header", flip(good, 17))
    refuse("account is not prelogin's", "unlock.other-account", flip(good, 33))
    refuse("purpose 0", "malformed.value", put(good, 49, u8(0)))
    refuse("purpose of a backup", "malformed.value", put(good, 49, u8(2)))
    refuse("purpose 4", "malformed.value", put(good, 49, u8(4)))
    refuse("generation changed", "unlock.wrong", put(good, 50, u64(8)))
    refuse("first byte of the commitment flipped", "unlock.wrong", flip(good, 58))
    refuse("last byte of the commitment flipped", "unlock.wrong", flip(good, 89))
    refuse("nonce changed", "unlock.wrong", flip(good, 90))
    refuse("ciphertext flipped", "unlock.wrong", flip(good, 102))
    refuse("tag flipped", "unlock.wrong", flip(good))
    refuse("ciphertext cut", "unlock.wrong", good[:-1])
    refuse("a byte after the end", "unlock.wrong", good + b"\x00")
    crafted = locked.wrapped(7)
    crafted.seal(random(32), keyring.encode())
    commit = expand(locked.s, b"blindtally/v1/password/commit", 32)
    refuse("right commitment, sealed under another key", "unlock.wrong", replace(crafted, commit=commit).encode())
    for n, what in ((0, "empty"), (3, "ends in its start"), (4, "ends before the KDF"), (60, "ends in the commitment"), (102, "no ciphertext")):
        refuse(what, "malformed.truncated", good[:n])

def keyring_file():
    file = File("keyring", "Keyrings inside authentic vaults: SPEC.md#keyring.")
    a = account("small account", 2048)
    locked = Locked(a.id)
    g = file.group("Vault", **locked.inputs())
    base = a.keyring()
    devices = sorted((device_of(f"device {n}") for n in range(2)), key=lambda d: d.public.device_id(a.id))
    d = devices[0]
    revoked = replace(d, status=2, ticket_id=None, name="\u05d7\u05e9\u05d1\u05d5\u05df".encode(), last_seq=5)
    locked.valid(g, "two devices and cancelled tickets", replace(base, devices=devices, cancelled=[bytes(16), b"\x01" * 16]))
    locked.valid(g, "a revoked device, confirmed by comparison", replace(base, devices=[revoked]))
    locked.valid(g, "a name of 128 bytes", replace(base, devices=[replace(d, name=b"n" * 128)]))
    locked.valid(g, "generation 0", replace(base, generation=0))
    masters = [a.masters[1], a.masters[2], MasterKey(a.id, 2, random(32)), MasterKey(a.id, 65535, random(32))]
    reveals = []
    for m in masters:
        value = f"epoch {m.epoch}, {len(reveals)}".encode()
        reveals.append({"token": token_text(tokenize(m.class_key(2), a.id, 2, m.epoch, value)), "value": value})
    locked.valid(g, "two MasterKeys of one epoch", replace(base, master_keys=masters), reveals=reveals)

    def refuse(comment, code, keyring=None, **changed):
        data = keyring if isinstance(keyring, bytes) else replace(base, **changed).encode()
        g.invalid(comment, code, vault=locked.seal(data))

    def policy(comment, code, **changed): refuse(f"policy: {comment}", code, policy=a.policy(**changed).sign(a.keys))

    data = base.encode()
    refuse("wrong magic", "malformed.magic", put(data, 0, b"bt"))
    refuse("another kind", "malformed.kind", put(data, 2, b"V"))
    refuse("another suite", "malformed.suite", put(data, 3, u8(0x42)))
    refuse("a byte after the end", "malformed.trailing", data + b"\x00")
    refuse("ends early", "malformed.truncated", data[:-1])
    refuse("empty", "malformed.truncated", b"")
    refuse("another generation than the header's", "unlock.header", generation=8)
    moved = copy.copy(a)
    moved.id = random(16)
    moved.masters = {1: MasterKey(moved.id, 1, random(32))}
    refuse("another account than the header's", "unlock.header", moved.keyring().encode())
    refuse("epochs not ascending", "malformed.order", master_keys=[a.masters[2], a.masters[1]])
    refuse("epoch 0", "malformed.value", master_keys=[MasterKey(a.id, 0, random(32)), a.masters[1]])
    refuse("no MasterKey", "malformed.value", master_keys=[])
    # SPEC.md#keyring-policy
    refuse("no MasterKey of the policy's epoch", "malformed.value", master_keys=[a.masters[2]])
    refuse("another MasterKey of the policy's epoch", "malformed.value", master_keys=[MasterKey(a.id, 1, random(32))])
    for what, broken in (("1024 bits", rsa_key("weak", 1024)), ("exponent 3", rsa_key("three", 2048, 3)), ("no DER", b"\x00" * 32), ("a byte after its end", base.account.pkcs8[0] + b"\x00"), ("empty", b"")):
        owner = copy.copy(a.keys)
        owner.pkcs8 = (broken, a.keys.pkcs8[1])
        refuse(f"account's private key: {what}", "malformed.private-key", account=owner)
    owner.pkcs8 = (b"\x00" * 4097, a.keys.pkcs8[1])
    refuse("account's private key of 4,097 bytes", "malformed.too-long", account=owner)
    # SPEC.md#keyring-policy
    refuse("policy signature flipped", "malformed.value", policy=flip(base.policy))
    refuse("policy signed by another account", "malformed.value", policy=a.policy().sign(pair("account", 3072)))
    policy("of another account id", "malformed.value", account_id=random(16))
    policy("of another account fingerprint", "malformed.value", fingerprint=random(32))
    policy("mode 0", "malformed.value", mode=0)
    policy("mode 2", "malformed.value", mode=2)
    policy("floors not ascending", "malformed.order", floors=[0x21, 0x11])
    policy("a floor twice", "malformed.order", floors=[0x11, 0x11])
    policy("revoked devices not ascending", "malformed.order", revoked=[b"\x02" * 16, b"\x01" * 16])
    policy("a revoked device twice", "malformed.order", revoked=[b"\x02" * 16, b"\x02" * 16])
    policy("classes not ascending", "malformed.order", entries=entries([(2, 0), (1, 0)]))
    policy("a class twice", "malformed.order", entries=entries([(1, 0), (1, 1)]))
    refuse("policy ends early", "malformed.truncated", policy=base.policy[:-1])
    refuse("a byte after the policy", "malformed.trailing", policy=base.policy + b"\x00")
    refuse("no policy", "malformed.truncated", policy=b"")
    refuse("devices not ascending", "malformed.order", devices=devices[::-1])
    refuse("a device twice", "malformed.order", devices=[d, d])
    weak = copy.copy(d.public)
    weak.spkis = (spki_of(rsa_of("weak", 1024)), d.public.spkis[1])
    refuse("a device's key of 1024 bits", "malformed.public-key", devices=[replace(d, public=weak)])
    weak = copy.copy(d.public)
    weak.spkis = (d.public.spkis[0] + bytes(601 - 294), d.public.spkis[1])
    refuse("a device's key of 601 bytes", "malformed.too-long", devices=[replace(d, public=weak)])
    twice = copy.copy(d.public)
    twice.spkis = (d.public.spkis[0],) * 2
    refuse("a device's two keys are one", "malformed.public-key", devices=[replace(d, public=twice)])
    by = data.index(base.ticket_root) + 32 + 4 + 4 + 294 * 2 + 16
    one = replace(base, devices=[d]).encode()
    refuse("a device confirmed in a way that is unknown", "malformed.value", put(one, by, u8(2)))
    for status in (0, 3):
        refuse(f"a device of status {status}", "malformed.value", devices=[replace(d, status=status)])
    refuse("a device without a name", "malformed.value", devices=[replace(d, name=b"")])
    refuse("a device's name of 129 bytes", "malformed.too-long", devices=[replace(d, name=b"n" * 129)])
    refuse("a device's name not in UTF-8", "malformed.value", devices=[replace(d, name=b"\xff")])
    refuse("cancelled tickets not ascending", "malformed.order", cancelled=[b"\x02" * 16, b"\x01" * 16])
    refuse("a cancelled ticket twice", "malformed.order", cancelled=[b"\x02" * 16] * 2)
    refuse("a manager", "malformed.value", data[:-2] + u16(1))
    return file

def rsa_of(*name): return serialization.load_der_private_key(rsa_key(*name), None)

def device_of(name, ticket_id=None, **changed):
    made = Device(pair(name), random(16), ticket_id or random(16), name.encode(), 1, 1_700_000_000_000, 1_700_000_000_000)
    return replace(made, **changed)

def backup_file_cases():
    file = File("backup", "Backup files: SPEC.md#backup. A group gives a passphrase or a recovery key; the other is null.")
    a = account("small account", 2048)
    keyring, passphrase, recovery = a.keyring(), "seven words that nobody else would guess", random(16)

    def wrap(purpose, kdf, params, secret, data=None, **changed):
        made = Wrapped(b"K", kdf, params, random(16), a.id, purpose, 7, nonce=random(12))
        made = replace(made, **changed)
        return made.seal(made.stretched(secret), data or keyring.encode())

    def show(backup, code=a.keys.code): return backup_file(backup, code, a.id, "passphrase or recovery key")
    def group(phrase=None, key=None): return file.group("Backup", passphrase=phrase, recoveryKey=key)
    about = {"keyring": keyring.encode(), "generation": 7, "accountId": a.id}
    word = passphrase.encode()
    by_word = wrap(PASSPHRASE, ARGON2ID, CHEAP[ARGON2ID], word)
    by_key = wrap(RECOVERY_KEY, NO_KDF, (), recovery)
    g = group(passphrase)
    g.valid("a passphrase and Argon2id", file=show(by_word), **about)
    g.valid("a passphrase and PBKDF2", file=show(wrap(PASSPHRASE, PBKDF2, CHEAP[PBKDF2], word)), **about)
    g.invalid("opens with its recovery key", "unlock.needs-recovery-key", file=show(by_key))
    g.invalid("kind of a vault", "malformed.kind", file=show(put(by_word, 2, b"V")))
    g.invalid("suite 0x42", "malformed.suite", file=show(put(by_word, 3, u8(0x42))))
    # SPEC.md#backup-purpose
    g.invalid("purpose of a vault", "malformed.value", file=show(put(by_word, 49, u8(1))))
    g.invalid("purpose of a recovery key with a KDF", "malformed.value", file=show(put(by_word, 49, u8(3))))
    g.invalid("purpose 4", "malformed.value", file=show(put(by_word, 49, u8(4))))
    g.invalid("parameters below the floor", "kdf.below-floor", file=show(put(by_word, 5, u32(19_455))))
    g.invalid("parameters above the ceiling", "kdf.above-ceiling", file=show(put(by_word, 9, u32(17))))
    g.invalid("generation changed", "unlock.wrong", file=show(put(by_word, 50, u64(8))))
    group("another passphrase").invalid("wrong passphrase", "unlock.wrong", file=show(by_word))
    group("").invalid("empty passphrase", "password.invalid", file=show(by_word))
    g = group("  \uff21 \ufb01")
    g.valid("a passphrase that NFKC changes", file=show(wrap(PASSPHRASE, ARGON2ID, CHEAP[ARGON2ID], b"  A fi")), **about)
    key = checked_code(recovery)
    g = group(key=key)
    text = show(by_key)
    body = b64(by_key)
    g.valid("a recovery key", file=text, **about)
    g.valid("CRLF", file=text.replace("\n", "\r\n"), **about)
    g.valid("text before and after", file="Keep this safe.\n\n" + text + "\nThanks: Anna\n", **about)
    g.valid("blank lines and indentation", file=text.replace("\n", "\n\n  \t"), **about)
    g.valid("white space at the ends of lines", file=text.replace("\n", " \t\n"), **about)
    g.valid("a no-break space at the ends of lines", file=text.replace("\n", "\u00a0\n"), **about)
    g.invalid("a line separator of Unicode ends no line", "malformed.checksum", file=text.replace("\n\n", "\u2028\u2028").replace("\n" + body[:64], "\u2028" + body[:64]))
    g.valid("no line end at the end", file=text.rstrip("\n"), **about)
    one_line = [line for line in text.split("\n") if ":" in line or "-----" in line]
    g.valid("body in one line, no blank line", file="\n".join(one_line[:-1] + [body, one_line[-1]]), **about)
    g.valid("white space inside the body", file="\n".join(one_line[:-1] + [" ".join(body), one_line[-1]]), **about)
    g.valid("a field that is not known", file=text.replace("Account:", "Comment: printed 2026\nAccount:"), **about)
    g.valid("fields in another order", file="\n".join([one_line[0], *one_line[-2:0:-1], body, one_line[-1]]), **about)
    loose = a.keys.code.lower().replace("-", " ")
    g.valid("Fingerprint as a person might copy it", file=text.replace(a.keys.code, loose), **about)
    g.invalid("Fingerprint one character short", "malformed.encoding", file=text.replace(a.keys.code, a.keys.code[:-1]))
    g.invalid("Fingerprint with a character that is none", "malformed.encoding", file=text.replace(a.keys.code, a.keys.code[:-1] + "U"))
    bare = [x for x in one_line if not x.startswith(("Account", "Opens"))]
    g.valid("only Fingerprint and Checksum", file="\n".join(bare[:-1] + [body, bare[-1]]), **about)
    # SPEC.md#backup-fields
    for name in ("Fingerprint", "Checksum"):
        kept = [x for x in one_line if not x.startswith(name)]
        g.invalid(f"no {name}", "malformed.truncated", file="\n".join(kept[:-1] + [body, kept[-1]]))
    g.invalid("no first line", "malformed.magic", file=text.replace(BEGIN, ""))
    g.invalid("no last line", "malformed.truncated", file=text.replace(END, ""))
    g.invalid("empty", "malformed.magic", file="")
    check = backup_check(by_key)
    g.invalid("checksum changed", "malformed.checksum", file=text.replace(check, flip(bytes.fromhex(check)).hex()))
    changed = body[:200] + ("A" if body[200] != "A" else "B") + body[201:]
    g.invalid("body changed", "malformed.checksum", file="\n".join(one_line[:-1] + [changed, one_line[-1]]))
    g.invalid("a character that is not base64url", "malformed.encoding", file="\n".join(one_line[:-1] + [body[:-4] + "/" + body[-3:], one_line[-1]]))
    g.invalid("body with padding", "malformed.encoding", file="\n".join(one_line[:-1] + [body + "=", one_line[-1]]))
    g.invalid("body in the middle of which a line is missing", "malformed.checksum", file=text.replace(body[64:128] + "\n", ""))
    g.invalid("no body", "malformed.truncated", file="\n".join([*[x for x in one_line[:-1] if "Checksum" not in x], f"Checksum: {backup_check(b'')}", END]))
    g.invalid("Fingerprint of another account", "unlock.other-account", file=show(by_key, pair("account", 3072).code))
    moved = Account("small account", 2048)
    g.invalid("keyring of another account", "unlock.header", file=show(wrap(RECOVERY_KEY, NO_KDF, (), recovery, moved.keyring().encode())))
    g.invalid("keyring of another generation", "unlock.header", file=show(wrap(RECOVERY_KEY, NO_KDF, (), recovery, a.keyring(generation=8).encode())))
    g.invalid("opens with its passphrase", "unlock.needs-passphrase", file=show(by_word))
    g.invalid("purpose of a passphrase without a KDF", "malformed.value", file=show(put(by_key, 37, u8(2))))
    g.invalid("commitment flipped", "unlock.wrong", file=show(flip(by_key, 46)))
    g.invalid("tag flipped", "unlock.wrong", file=show(flip(by_key)))
    g.invalid("ends in its header", "malformed.truncated", file=show(by_key[:60]))
    group(key=key.lower().replace("-", " ")).valid("recovery key typed in lower case", file=text, **about)
    group(key=checked_code(random(16))).invalid("wrong recovery key", "unlock.wrong", file=text)
    mistyped = key[:-1] + ("2" if key[-1] != "2" else "3")
    group(key=mistyped).invalid("recovery key mistyped", "recovery-key.invalid", file=text)
    return file

def ticket_file():
    file = File("ticket", "Tickets, as text and as links, and the keys that come from them: SPEC.md#ticket.")
    a = account()
    g = file.group("Ticket", ticketRoot=a.root)
    for comment, ticket in {
        "one use": a.ticket(NOW + 7 * DAY), "50 uses": a.ticket(NOW + DAY, 50),
        "expired long ago: a parser does not judge": a.ticket(0), "the last second there is": a.ticket(2**53 - 1),
    }.items():
        mac, name, auth = ticket.keys()
        fields = {"accountId": a.id, "fingerprint": ticket.fingerprint, "ticketId": ticket.ticket_id, "secret": ticket.secret}
        fields |= {"expiry": ticket.expiry, "uses": ticket.uses, "macKey": mac, "nameKey": name, "authKey": auth}
        g.valid(comment, text=ticket.text(), **fields, authenticatorHash=sha256(auth))
        g.valid(f"{comment}, as a link", text="blindtally:" + ticket.text(), **fields, authenticatorHash=sha256(auth))
    ticket = a.ticket(NOW)
    text, body = ticket.text(), ticket.body()

    def refuse(comment, code, data): g.invalid(comment, code, text="btt1_" + b64(data))
    def checked(comment, code, data): refuse(comment, code, data + ticket_check(data))

    refuse("checksum flipped", "malformed.checksum", flip(body + ticket_check(body)))
    refuse("secret flipped", "malformed.checksum", flip(body, 70) + ticket_check(body))
    checked("wrong magic", "malformed.magic", put(body, 0, b"bt"))
    checked("another kind", "malformed.kind", put(body, 2, b"E"))
    checked("suite 0x52", "malformed.suite", put(body, 3, u8(0x52)))
    checked("no uses", "malformed.value", body[:-2] + u16(0))
    checked("51 uses", "malformed.value", body[:-2] + u16(51))
    refuse("ends one byte early", "malformed.truncated", (body + ticket_check(body))[:-1])
    # SPEC.md#ticket-refused
    refuse("a byte after the end", "malformed.trailing", body + ticket_check(body) + b"\x00")
    refuse("order: a byte after the end, checksum wrong", "malformed.trailing", flip(body, 70) + ticket_check(body) + b"\x00")
    g.invalid("prefix alone", "malformed.truncated", text="btt1_")
    g.invalid("unused bits of the last character set", "malformed.encoding", text=text[:-1] + ALPHABET64[ALPHABET64.index(text[-1]) + 1])
    g.invalid("with padding", "malformed.encoding", text=text + "=")
    g.invalid("a character outside the alphabet", "malformed.encoding", text=text[:40] + "+" + text[41:])
    # SPEC.md#ticket-link
    for wrong in ("btt2_", "bt1_", "BTT1_", "https://example.com/#btt1_", "blindtally://btt1_", "blindtally:blindtally:btt1_", ""):
        g.invalid(f"prefix {wrong!r}", "malformed.encoding", text=wrong + text[5:])
    g.invalid("empty", "malformed.encoding", text="")
    return file

ALPHABET64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

def enrollment_file():
    file = File("enrollment", "Enrollment requests, and what an owner makes of them at the second now: SPEC.md#enrollment.")
    a = account()
    fresh, other_root = pair("device 5"), random(32)
    spent, used = a.ticket(NOW + DAY), a.ticket(NOW + DAY, 2)
    of_revoked, full, old = a.ticket(NOW + DAY), a.ticket(NOW + DAY, 2), a.ticket(NOW - DAY)
    cancelled = a.ticket(NOW + DAY)
    devices = [
        device_of("device 0", spent.ticket_id), device_of("device 1", of_revoked.ticket_id, status=2),
        replace(device_of("device 2"), ticket_id=None), device_of("device 3", full.ticket_id),
        device_of("device 4", full.ticket_id), device_of("device 6", used.ticket_id), device_of("device 7", old.ticket_id),
    ]
    by_name = {d.name.decode(): d for d in devices}
    devices.sort(key=lambda d: d.public.device_id(a.id))
    keyring = a.keyring(devices=devices, cancelled=[cancelled.ticket_id])
    locked = Locked(a.id)
    g = file.group("Enrollment", **locked.inputs(vault=locked.seal(keyring.encode())), now=NOW)

    def ask(ticket, device=fresh, nonce=None, name=b"Anna's laptop"):
        return enroll(ticket, device, nonce or random(16), random(12), name)
    def by_code(device=fresh, prefix=a.keys.fingerprint[:15], account_id=a.id):
        return enroll_by_code(account_id, prefix, device, random(32), random(16))
    def welcome(comment, request, device=fresh, name="Anna's laptop", comparison=False, **fields):
        about = {"name": name, "deviceId": device.device_id(a.id), "needsComparison": comparison}
        g.valid(comment, request=request, **about, **fields)
    def refuse(comment, code, request, **fields): g.invalid(comment, code, request=request, **fields)

    week = a.ticket(NOW + 7 * DAY)
    good = ask(week)
    welcome("a ticket of one use", good)
    welcome("expires in the next second", ask(a.ticket(NOW + 1)))
    welcome("50 uses", ask(a.ticket(NOW + DAY, 50)))
    welcome("one of two uses is spent", ask(used))
    welcome("3072-bit keys", ask(week, pair("large device", 3072)), pair("large device", 3072))
    for name in ("n", "n" * 128, "\u05d7\u05e9\u05d1\u05d5\u05df \U0001f4bb", "15 bytes exactly", "zero\x00inside"):
        welcome(f"a name of {len(name.encode())} bytes", ask(week, name=name.encode()), name=name)
    again = by_name["device 0"]
    welcome("the same request of a device in the table", ask(spent, again.public, again.nonce), again.public)
    welcome("a device in the table asks with its ticket and a new nonce", ask(spent, again.public), again.public)
    expired = by_name["device 7"]
    welcome("a device in the table asks again after its ticket expired", ask(old, expired.public, expired.nonce), expired.public)
    compared = by_name["device 2"]
    welcome("a device confirmed by comparison asks with a ticket", ask(week, compared.public), compared.public)
    plain_request = by_code()
    welcome("without a ticket", plain_request, name=None, comparison=True)
    code = fresh.code
    for how, typed_code in {"as shown": code, "lower case": code.lower(), "without hyphens": code.replace("-", "")}.items():
        welcome(f"without a ticket, code typed {how}", plain_request, name=None, comparison=True, typedCode=typed_code)
    welcome("without a ticket, a device in the table", by_code(compared.public), compared.public, None, True)
    wrong_codes = {
        "one character mistyped": code[:-1] + ("2" if code[-1] != "2" else "3"), "five of the six groups": code[:24],
        "of another device": again.public.code, "empty": "", "a character more": code + "0", "of the account": a.keys.code,
    }
    for how, typed_code in wrong_codes.items():
        refuse(f"code typed: {how}", "enrollment.code", plain_request, typedCode=typed_code)

    body = good[: -2 - 256]
    def signed(comment, code, changed, device=fresh): refuse(comment, code, device.signed(b"enrollment", changed))
    refuse("signature flipped", "enrollment.signature", flip(good))
    refuse("signed by another device", "enrollment.signature", again.public.signed(b"enrollment", body))
    refuse("signed under another label", "enrollment.signature", fresh.signed(b"delivery", body))
    swapped = Private(fresh.pkcs8[1], fresh.pkcs8[0])
    refuse("signed by the encryption key", "enrollment.signature", swapped.signed(b"enrollment", body))
    refuse("signed with a salt of 20 bytes", "enrollment.signature", salted(fresh, b"enrollment", body, 20))
    refuse("signed with PKCS#1 v1.5", "enrollment.signature", salted(fresh, b"enrollment", body, None))
    refuse("no signature", "enrollment.signature", body + u16(0))
    refuse("body changed after signing", "enrollment.signature", flip(good, 4 + 16 + 1 + 32))
    signed("another account id", "enrollment.other-account", flip(body, 4))
    foreign = account("small account", 2048)
    refuse("a ticket of another account", "enrollment.other-account", ask(foreign.ticket(NOW + DAY)))
    refuse("another account fingerprint", "enrollment.other-account", ask(replace(week, fingerprint=foreign.keys.fingerprint)))
    refuse("without a ticket, another account id", "enrollment.other-account", by_code(account_id=random(16)))
    refuse("without a ticket, another account fingerprint", "enrollment.other-account", by_code(prefix=flip(a.keys.fingerprint[:15])))
    gone = by_name["device 1"]
    refuse("a revoked device with its own ticket and nonce", "enrollment.revoked", ask(of_revoked, gone.public, gone.nonce))
    refuse("a revoked device with a new ticket", "enrollment.revoked", ask(week, gone.public))
    refuse("a revoked device without a ticket", "enrollment.revoked", by_code(gone.public))
    other = replace(week, fingerprint=foreign.keys.fingerprint)
    # SPEC.md#inspect
    refuse("order: a revoked device, another account fingerprint", "enrollment.other-account", ask(other, gone.public))
    refuse("order: a revoked device, a ticket of another ticket_root", "enrollment.revoked", ask(a.ticket(NOW + DAY, root=other_root), gone.public))
    refuse("order: another account id, signature flipped", "enrollment.signature", flip(ask(foreign.ticket(NOW + DAY))))
    mac_at = len(body) - 32
    signed("MAC flipped", "enrollment.mac", flip(body))
    signed("sealed name flipped, MAC as it was", "enrollment.mac", flip(body, mac_at - 1))
    signed("nonce changed, MAC as it was", "enrollment.mac", flip(body, mac_at - 34 - 12 - 1))
    refuse("a ticket made from another ticket_root", "enrollment.mac", ask(a.ticket(NOW + DAY, root=other_root)))
    refuse("expiry put off by the device", "enrollment.mac", ask(replace(a.ticket(NOW - DAY), expiry=NOW + DAY)))
    refuse("uses raised by the device", "enrollment.mac", ask(replace(spent, uses=2)))
    refuse("ticket id changed by the device", "enrollment.mac", ask(replace(spent, ticket_id=random(16))))
    start = part1(week, fresh, random(16), random(12))
    k_mac = week.keys()[0]
    part2 = start + lp(seal(random(32), start[-12:], pad(b"name"), start))
    signed("name sealed under another key, right MAC", "enrollment.mac", part2 + hmac.digest(k_mac, part2, "sha256"))
    names = {
        "empty": pad(b""), "129 bytes": pad(b"n" * 129), "not UTF-8": pad(b"\xff"), "no padding marker": bytes(16),
        "padded to 32 bytes where 16 are enough": b"name\x80".ljust(32, b"\x00"),
    }
    for comment, padded in names.items():
        refuse(f"name: {comment}", "enrollment.name", finish_enrollment(week, fresh, start, padded))
    refuse("cancelled ticket", "ticket.cancelled", ask(cancelled))
    refuse("expires in this second", "ticket.expired", ask(a.ticket(NOW)))
    refuse("expired yesterday", "ticket.expired", ask(a.ticket(NOW - DAY)))
    refuse("a device in the table, a new nonce, its ticket expired", "ticket.expired", ask(old, expired.public))
    refuse("its one use is on another device", "ticket.spent", ask(spent))
    refuse("both uses are on other devices", "ticket.spent", ask(full))
    refuse("its one use is on a device that was revoked", "ticket.spent", ask(of_revoked))
    refuse("a nonce of the table on another device", "ticket.spent", ask(spent, nonce=again.nonce))
    malformed_requests(refuse, signed, fresh, week, body, plain_request)
    return file

def malformed_requests(refuse, signed, fresh, week, body, plain_request):
    signed("wrong magic", "malformed.magic", put(body, 0, b"bt"))
    signed("another kind", "malformed.kind", put(body, 2, b"T"))
    signed("suite 0x52", "malformed.suite", put(body, 3, u8(0x52)))
    signed("neither with nor without a ticket", "malformed.value", put(body, 20, u8(0)))
    signed("a third way", "malformed.value", put(body, 20, u8(3)))
    uses_at = 4 + 16 + 1 + 32 + 16 + 8
    signed("no uses", "malformed.value", put(body, uses_at, u16(0)))
    signed("51 uses", "malformed.value", put(body, uses_at, u16(51)))
    good = fresh.signed(b"enrollment", body)
    refuse("ends early", "malformed.truncated", good[:-1])
    refuse("a byte after the end", "malformed.trailing", good + b"\x00")
    refuse("a byte after the end, without a ticket", "malformed.trailing", plain_request + b"\x00")
    refuse("empty", "malformed.truncated", b"")
    refuse("4,097 bytes", "malformed.too-long", good.ljust(4097, b"\x00"))
    refuse("a signature of 513 bytes", "malformed.too-long", body + lp(bytes(513)))
    for comment, code, spkis in (
        ("a key of 1024 bits", "malformed.public-key", (spki_of(rsa_of("weak", 1024)), fresh.spkis[1])),
        ("the same key twice", "malformed.public-key", (fresh.spkis[1], fresh.spkis[1])),
        ("a key of 601 bytes", "malformed.too-long", (fresh.spkis[0] + bytes(307), fresh.spkis[1])),
        ("an encryption key under the OID of RSASSA-PSS", "malformed.public-key", (spki_with(fresh.spkis[0], der(0x30, PSS_OID)), fresh.spkis[1])),
    ):
        device = copy.copy(fresh)
        device.spkis = spkis
        refuse(comment, code, enroll(week, device, random(16), random(12), b"name"))

def salted(private, label, body, salt):
    """Signed with a salt of another length, or under PKCS#1 v1.5."""
    scheme = padding.PKCS1v15() if salt is None else padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=salt)
    return body + lp(private.signer.sign(b"blindtally/v1/signature\x00" + lp(label) + body, scheme, hashes.SHA256()))

FILES = {
    "vault": vault_file, "kept_login": kept_login_file, "keyring": keyring_file, "backup": backup_file_cases, "ticket": ticket_file,
    "enrollment": enrollment_file,
}
