"""A second implementation of SPEC.md, written from its text alone, to check the test vectors with.

It reads as a commentary: each part names the anchor of SPEC.md that it follows, and every refusal raises
`Refused` with a code of SPEC.md#errors. It is for checking: Python neither wipes keys nor runs in constant time.
"""

import hashlib
import hmac
import os
import re
import unicodedata
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from identity import Private, Public, oaep
from wire import *

# SPEC.md#keys

V1 = b"blindtally/v1\x00"

@dataclass
class MasterKey:
    account_id: bytes
    epoch: int
    key: bytes

    def derive(self, purpose, context, length):
        prk = extract(b"blindtally/v1/master", self.key)
        return expand(prk, V1 + lp(purpose) + self.account_id + u16(self.epoch) + lp(context), length)

    def key_id(self): return self.derive(b"key-id", b"", 16)
    def class_key(self, cls): return self.derive(b"class", u8(cls), 32)
    def device_key(self, cls, device_id): return expand(self.class_key(cls), V1 + lp(b"device") + device_id, 32)

    def delivered(self, cls, device_id):
        """What a device gets for a class: never more than it needs."""
        return self.class_key(cls) if cls in TOKEN_CLASSES else self.device_key(cls, device_id)

def purpose(key, label, suite, length): return expand(key, V1 + lp(label) + u8(suite), length)

# SPEC.md#token

MAX_TOKEN = 4 + padded_len(MAX_VALUE) + 16

def token_header(cls, epoch): return u8(0x11) + u8(cls) + u16(epoch)

def seal_padded(class_key, account_id, header, plaintext):
    key = purpose(class_key, b"token", 0x11, 44)
    return header + seal(key[:32], key[32:], plaintext, b"blindtally/v1/token" + account_id + header)

def tokenize(class_key, account_id, cls, epoch, value):
    need(len(value) <= MAX_VALUE, "tokenize.too-long")
    return seal_padded(class_key, account_id, token_header(cls, epoch), pad(value))

def token_text(token): return "bt1_" + b64(token)
def token_index(token): return sha256(b"blindtally/v1/index", token)[:16]

def parse_token(text):
    reader = Reader(prefixed(text, "bt1_", MAX_TOKEN))
    need(reader.u8() == 0x11, "malformed.suite")
    need(reader.u8() in TOKEN_CLASSES, "malformed.value")
    reader.epoch()
    check_padded_len(len(reader.rest()) - 16)
    return reader.data

def reveal(master_keys, text):
    """One epoch may have several MasterKeys: each is tried."""
    token = parse_token(text)
    keys = [k for k in master_keys if k.epoch == int.from_bytes(token[2:4])]
    need(keys, "reveal.no-key")
    for master in keys:
        key = purpose(master.class_key(token[1]), b"token", 0x11, 44)
        try:
            data = b"blindtally/v1/token" + master.account_id + token[:4]
            plaintext = open_sealed(key[:32], key[32:], token[4:], data, "reveal.tampered")
        except Refused:
            continue
        return unpad(plaintext, MAX_VALUE, "reveal.plaintext")
    raise Refused("reveal.tampered")

# SPEC.md#token-text

TOKEN_TEXT = re.compile(rb"(?<![A-Za-z0-9_-])bt1_[A-Za-z0-9_-]{48,5830}(?![A-Za-z0-9_-])")

def find_tokens(text):
    """Byte ranges in UTF-8 of the tokens in running text."""
    found = []
    for match in TOKEN_TEXT.finditer(text.encode()):
        try:
            parse_token(match.group().decode())
            found.append([match.start(), match.end()])
        except Refused:
            pass
    return found

# SPEC.md#record

MAX_RECORD_BYTES = 28 + 12 + padded_len(MAX_RECORD) + 16

def seal_record_padded(device_key, account_id, header, nonce, plaintext):
    key = purpose(device_key, b"record", 0x21, 32)
    return header + nonce + seal(key, nonce, plaintext, b"blindtally/v1/record" + account_id + header)

def record_header(cls, epoch, device_id, seq): return u8(0x21) + u8(cls) + u16(epoch) + device_id + u64(seq)

def seal_record(device_key, account_id, cls, epoch, device_id, seq, nonce, value):
    need(len(value) <= MAX_RECORD, "record.too-long")
    return seal_record_padded(device_key, account_id, record_header(cls, epoch, device_id, seq), nonce, pad(value))

def parse_record(text):
    """A record, or one of an agent's queue."""
    reader = Reader(prefixed(text, "br1_", MAX_RECORD_BYTES))
    need(reader.u8() == 0x21, "malformed.suite")
    cls = reader.u8()
    need(cls in RECORD_CLASSES | TOKEN_CLASSES, "malformed.value")
    need(reader.u16() == 0 or cls in RECORD_CLASSES, "malformed.value")
    reader.take(16 + 8 + 12)
    check_padded_len(len(reader.rest()) - 16)
    return reader.data

def unseal_record(device_key, account_id, record):
    key = purpose(device_key, b"record", 0x21, 32)
    data = b"blindtally/v1/record" + account_id + record[:28]
    return unpad(open_sealed(key, record[28:40], record[40:], data, "record.tampered"), MAX_RECORD, "record.plaintext")

def open_record(master_keys, text):
    record = parse_record(text)
    keys = [k for k in master_keys if k.epoch == int.from_bytes(record[2:4])]
    need(keys, "record.no-key")
    for master in keys:
        try:
            return unseal_record(master.device_key(record[1], record[4:20]), master.account_id, record)
        except Refused as refusal:
            if refusal.code != "record.tampered":
                raise
    raise Refused("record.tampered")

def open_queued(agent, text):
    record = parse_record(text)
    need((record[2:4], record[4:20]) == (u16(0), agent.device_id()), "record.no-key")
    return unseal_record(agent.queue_key, agent.account_id, record)

# SPEC.md#vault

def normal_login(name):
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())
    need(is_login(name), "login.invalid")
    return name.encode()

def is_login(name):
    controls = any(unicodedata.category(c) == "Cc" for c in name)
    return 1 <= len(name.encode()) <= MAX_LOGIN and not controls and name == name.strip(WHITE_SPACE)

def normal_password(password):
    password = unicodedata.normalize("NFKC", password).encode()
    need(1 <= len(password) <= MAX_PASSWORD, "password.invalid")
    return password

FLOOR = {PBKDF2: (600_000,), ARGON2ID: (19_456, 2, 1), NO_KDF: ()}
CEILING = {PBKDF2: (10_000_000,), ARGON2ID: (1_048_576, 16, 4), NO_KDF: ()}

def check_kdf(kdf, params):
    need(all(p >= f for p, f in zip(params, FLOOR[kdf])), "kdf.below-floor")
    need(all(p <= c for p, c in zip(params, CEILING[kdf])), "kdf.above-ceiling")

def stretch(kdf, params, salt, secret):
    check_kdf(kdf, params)
    if kdf == PBKDF2:
        return hashlib.pbkdf2_hmac("sha256", secret, salt, params[0], 32)
    if kdf == ARGON2ID:
        m, t, p = params
        return Argon2id(salt=salt, length=32, iterations=t, lanes=p, memory_cost=m).derive(secret)
    return extract(salt, secret)

@dataclass
class Wrapped:
    """What a vault and a backup have in common, SPEC.md#vault."""

    kind: bytes
    kdf: int
    params: tuple
    salt: bytes
    account_id: bytes
    purpose: int
    generation: int
    commit: bytes = bytes(32)
    nonce: bytes = bytes(12)
    sealed: bytes = b""

    @classmethod
    def parse(cls, data, kind):
        reader = Reader(data, MAX_VAULT)
        reader.head(kind, 0x41)
        kdf = reader.one_of(PBKDF2, ARGON2ID, NO_KDF)
        params = tuple(reader.u32() for _ in FLOOR[kdf])
        salt, account_id = reader.take(16), reader.take(16)
        purpose = reader.one_of(LOGIN, PASSPHRASE, RECOVERY_KEY)
        need(kind == (b"V" if purpose == LOGIN else b"K"), "malformed.value")
        need((purpose == RECOVERY_KEY) == (kdf == NO_KDF), "malformed.value")
        made = cls(kind, kdf, params, salt, account_id, purpose, reader.u64(), reader.take(32), reader.take(12))
        made.sealed = reader.rest()
        need(len(made.sealed) >= 16, "malformed.truncated")
        return made

    def header(self):
        params = b"".join(map(u32, self.params))
        return (
            (b"BT" + self.kind + u8(0x41) + u8(self.kdf) + params + self.salt + self.account_id)
            + (u8(self.purpose) + u64(self.generation) + self.commit + self.nonce)
        )

    def encode(self): return self.header() + self.sealed

    def stretched(self, secret, name=b"", account_secret=None):
        salt = sha256(b"blindtally/v1/salt", lp(name), self.account_id, u8(self.purpose), self.salt)
        s = stretch(self.kdf, self.params, salt, secret)
        return s if account_secret is None else extract(account_secret, s)

    def seal(self, s, keyring):
        self.commit = expand(s, b"blindtally/v1/password/commit", 32)
        self.sealed = seal(expand(s, b"blindtally/v1/password/wrap", 32), self.nonce, keyring, self.header())
        return self.encode()

    def open(self, s):
        return self.open_with(*(expand(s, b"blindtally/v1/password/" + name, 32) for name in (b"wrap", b"commit")))

    def open_with(self, wrap, commit):
        """One error for a wrong commitment and a failed tag."""
        need(hmac.compare_digest(commit, self.commit), "unlock.wrong")
        plain = open_sealed(wrap, self.nonce, self.sealed, self.header(), "unlock.wrong")
        keyring = Keyring.parse(plain)
        need((keyring.account_id, keyring.generation) == (self.account_id, self.generation), "unlock.header")
        return keyring

@dataclass
class Prelogin:
    kdf: int
    params: tuple
    salt: bytes
    account_id: bytes

    def stretched(self, login, password, account_secret):
        check_kdf(self.kdf, self.params)
        wrapped = Wrapped(b"V", self.kdf, self.params, self.salt, self.account_id, LOGIN, 0)
        return wrapped.stretched(normal_password(password), normal_login(login), account_secret)

def login_proof(s): return expand(s, b"blindtally/v1/password/login", 32)

def parse_vault(data, prelogin):
    vault = Wrapped.parse(data, b"V")
    need(vault.account_id == prelogin.account_id, "unlock.other-account")
    need((vault.kdf, vault.params, vault.salt) == (prelogin.kdf, prelogin.params, prelogin.salt), "unlock.header")
    return vault

def open_vault(data, prelogin, s, seen=0):
    """SPEC.md#unlock-order; `s` is what `prelogin.stretched` made."""
    keyring = parse_vault(data, prelogin).open(s)
    need(keyring.generation >= seen, "unlock.rolled-back")
    return keyring

# SPEC.md#kept-login

@dataclass
class KeptLogin:
    name: bytes
    prelogin: Prelogin
    login: bytes
    wrap: bytes
    commit: bytes
    account_secret: bytes | None

    @classmethod
    def parse(cls, data):
        reader = Reader(data, MAX_KEPT_LOGIN)
        reader.head(b"L", 0x81)
        name = reader.lp(MAX_LOGIN)
        try:
            need(is_login(name.decode()), "malformed.value")
        except UnicodeDecodeError:
            raise Refused("malformed.value") from None
        kdf = reader.one_of(PBKDF2, ARGON2ID)
        prelogin = Prelogin(kdf, tuple(reader.u32() for _ in FLOOR[kdf]), reader.take(16), reader.take(16))
        keys = [reader.take(32) for _ in ("login", "wrap", "commit")]
        secret = reader.take(16) if reader.one_of(0, 1) else None
        check = kept_login_check(reader.so_far())
        found = reader.take(4)
        reader.end()
        need(found == check, "malformed.checksum")
        return cls(name, prelogin, *keys, secret)

    def encode(self):
        p = self.prelogin
        body = b"BTL\x81" + lp(self.name) + u8(p.kdf) + b"".join(map(u32, p.params)) + p.salt + p.account_id
        body += self.login + self.wrap + self.commit
        body += u8(0) if self.account_secret is None else u8(1) + self.account_secret
        return body + kept_login_check(body)

def kept_login_check(body): return sha256(b"blindtally/v1/kept-login-check", body)[:4]

def resume(name, prelogin, data):
    check_kdf(prelogin.kdf, prelogin.params)
    kept = KeptLogin.parse(data)
    need((kept.name, kept.prelogin) == (normal_login(name), prelogin), "unlock.kept-login")
    return kept

# SPEC.md#backup

BEGIN, END = "-----BEGIN BLINDTALLY BACKUP-----", "-----END BLINDTALLY BACKUP-----"

def backup_check(backup): return sha256(b"blindtally/v1/backup-check", backup)[:4].hex()

def backup_file(backup, code, account_id, opens_with):
    body = b64(backup)
    fields = [f"Account: {account_id.hex()}", f"Fingerprint: {code}", f"Opens with: {opens_with}"]
    lines = [BEGIN, *fields, f"Checksum: {backup_check(backup)}", ""]
    return "\n".join(lines + [body[i : i + 64] for i in range(0, len(body), 64)] + [END, ""])

def parse_backup(text):
    """The backup and the account's code that the file shows."""
    need(len(text.encode()) <= MAX_BACKUP_FILE, "malformed.too-long")
    need(BEGIN in text, "malformed.magic")
    text = text.split(BEGIN, 1)[1]
    need(END in text, "malformed.truncated")
    fields, body = {}, ""
    for line in text.split(END, 1)[0].split("\n"):
        if ":" in line:
            name, value = line.split(":", 1)
            fields[name.strip(WHITE_SPACE)] = value.strip(WHITE_SPACE)
        else:
            body += without_white_space(line)
    need("Fingerprint" in fields and "Checksum" in fields, "malformed.truncated")
    backup = unb64(body)
    need(fields["Checksum"] == backup_check(backup), "malformed.checksum")
    code = typed(fields["Fingerprint"])
    need(len(code) == 24, "malformed.encoding")
    return Wrapped.parse(backup, b"K"), code

def open_backup(text, passphrase=None, recovery_key=None):
    backup, code = parse_backup(text)
    if passphrase is not None:
        secret, purpose, code_otherwise = normal_password(passphrase), PASSPHRASE, "unlock.needs-recovery-key"
    else:
        secret, purpose, code_otherwise = parse_checked_code(recovery_key), RECOVERY_KEY, "unlock.needs-passphrase"
    need(backup.purpose == purpose, code_otherwise)
    keyring = backup.open(backup.stretched(secret))
    need(typed(keyring.account.code) == code, "unlock.other-account")
    return keyring

# SPEC.md#keyring

@dataclass
class Device:
    public: Public
    nonce: bytes
    ticket_id: bytes | None
    name: bytes
    status: int
    last_seq: int
    confirmed_at: int

    @classmethod
    def read(cls, r):
        public, nonce = Public.read(r), r.take(16)
        ticket_id = r.take(16) if r.one_of(0, 1) else None
        name = device_name(r.lp(MAX_NAME), "malformed.value")
        return cls(public, nonce, ticket_id, name, r.one_of(1, 2), r.u64(), r.u64())

    def encode(self):
        by = u8(0) if self.ticket_id is None else u8(1) + self.ticket_id
        status = u8(self.status) + u64(self.last_seq) + u64(self.confirmed_at)
        return self.public.encoded() + self.nonce + by + lp(self.name) + status

def device_name(name, code):
    need(1 <= len(name) <= MAX_NAME, code)
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(code) from None
    return name

@dataclass
class Keyring:
    generation: int
    account_id: bytes
    master_keys: list
    account: Private
    policy: bytes
    ticket_root: bytes
    devices: list = field(default_factory=list)
    cancelled: list = field(default_factory=list)

    @classmethod
    def parse(cls, data):
        r = Reader(data)
        r.head(b"R", 0x41)
        generation, account_id = r.u64(), r.take(16)
        keys = [MasterKey(account_id, r.epoch(), r.take(32)) for _ in range(r.u16())]
        need(all(a.epoch <= b.epoch for a, b in zip(keys, keys[1:])), "malformed.order")
        account, policy = Private.read_private(r), r.lp32(MAX_POLICY)
        newest = Policy.parse(policy)
        newest.verify(account, "malformed.value")
        need(newest.owner() == (account_id, account.fingerprint), "malformed.value")
        ticket_root = r.take(32)
        devices = [Device.read(r) for _ in range(r.u32())]
        ascending([d.public.device_id(account_id) for d in devices])
        cancelled = ascending([r.take(16) for _ in range(r.u32())])
        need(r.u16() == 0, "malformed.value")
        r.end()
        held = [k.key_id() for k in keys if k.epoch == newest.epoch]
        need(newest.key_id in held, "malformed.value")
        return cls(generation, account_id, keys, account, policy, ticket_root, devices, cancelled)

    def encode(self):
        keys = b"".join(u16(k.epoch) + k.key for k in self.master_keys)
        devices = b"".join(d.encode() for d in self.devices)
        return (
            (b"BTR" + u8(0x41) + u64(self.generation) + self.account_id + u16(len(self.master_keys)) + keys)
            + (self.account.encoded_private() + lp32(self.policy) + self.ticket_root)
            + (u32(len(self.devices)) + devices + u32(len(self.cancelled)) + b"".join(self.cancelled) + u16(0))
        )

    def recovery_proof(self):
        """SPEC.md#login: of the lowest epoch."""
        return self.master_keys[0].derive(b"recovery", b"", 32)

# SPEC.md#ticket

@dataclass
class Ticket:
    account_id: bytes
    fingerprint: bytes
    ticket_id: bytes
    secret: bytes
    expiry: int
    uses: int

    @classmethod
    def issue(cls, ticket_root, account_id, fingerprint, ticket_id, expiry, uses):
        info = V1 + lp(b"ticket") + account_id + ticket_id + u64(expiry) + u16(uses)
        return cls(account_id, fingerprint, ticket_id, expand(ticket_root, info, 16), expiry, uses)

    @classmethod
    def parse(cls, text):
        r = Reader(prefixed(text.removeprefix("blindtally:"), "btt1_"))
        r.head(b"T", 0x51)
        made = cls(r.take(16), r.take(32), r.take(16), r.take(16), r.u64(), r.u16())
        body, check = r.so_far(), r.take(4)
        r.end()
        need(check == ticket_check(body), "malformed.checksum")
        need(1 <= made.uses <= 50, "malformed.value")
        return made

    def body(self):
        start = b"BTT" + u8(0x51) + self.account_id + self.fingerprint
        return start + self.ticket_id + self.secret + u64(self.expiry) + u16(self.uses)

    def text(self): return "btt1_" + b64(self.body() + ticket_check(self.body()))

    def keys(self):
        """K_mac, K_name, K_auth"""
        okm = hkdf(b"blindtally/v1/ticket", self.secret, self.account_id + self.ticket_id, 96)
        return okm[:32], okm[32:64], okm[64:]

def ticket_check(body): return sha256(b"blindtally/v1/ticket-check", body)[:4]

# SPEC.md#enrollment

def part1(ticket, device, nonce, name_nonce):
    return (
        (b"BTE" + u8(0x51) + ticket.account_id + u8(1) + ticket.fingerprint + ticket.ticket_id)
        + (u64(ticket.expiry) + u16(ticket.uses) + device.encoded() + nonce + name_nonce)
    )

def enroll(ticket, device, nonce, name_nonce, name):
    start = part1(ticket, device, nonce, name_nonce)
    return finish_enrollment(ticket, device, start, pad(name))

def finish_enrollment(ticket, device, start, padded_name):
    k_mac, k_name, _ = ticket.keys()
    part2 = start + lp(seal(k_name, start[-12:], padded_name, start))
    return device.signed(b"enrollment", part2 + hmac.digest(k_mac, part2, "sha256"))

def enroll_by_code(account_id, prefix, device, claim, nonce):
    body = b"BTE" + u8(0x51) + account_id + u8(2) + prefix + sha256(claim) + device.encoded() + nonce
    return device.signed(b"enrollment", body)

class Request:
    """An enrollment request, parsed and its signature verified."""

    def __init__(self, data):
        r = Reader(data, MAX_REQUEST)
        r.head(b"E", 0x51)
        self.account_id = r.take(16)
        self.by_ticket = r.one_of(1, 2) == 1
        if self.by_ticket:
            self.fingerprint, self.ticket_id, self.expiry, self.uses = r.take(32), r.take(16), r.u64(), r.u16()
            need(1 <= self.uses <= 50, "malformed.value")
            self.device, self.nonce, self.name_nonce = Public.read(r), r.take(16), r.take(12)
            self.part1 = r.so_far()
            self.sealed_name = r.lp(padded_len(MAX_NAME) + 16)
            self.part2, self.mac = r.so_far(), r.take(32)
        else:
            self.fingerprint, self.claim_hash, self.device = r.take(15), r.take(32), Public.read(r)
            self.nonce = r.take(16)
        body, signature = r.so_far(), r.lp(MAX_RSA)
        r.end()
        self.device.verify(b"enrollment", body, signature, "enrollment.signature")
        self.device_id = self.device.device_id(self.account_id)

# SPEC.md#owner

class Owner:
    """The part of an owner that judges what others send: SPEC.md#inspect and reading."""

    def __init__(self, keyring):
        self.keyring = keyring

    def inspect(self, data, now):
        """(name or None, device id, whether a person must compare codes)"""
        request, own = Request(data), self.keyring
        fingerprint = own.account.fingerprint[: len(request.fingerprint)]
        same = (request.account_id, request.fingerprint) == (own.account_id, fingerprint)
        need(same, "enrollment.other-account")
        known = {d.public.device_id(own.account_id): d for d in own.devices}
        entry = known.get(request.device_id)
        revoked = Policy.parse(own.policy).revoked
        need((entry is None or entry.status == 1) and request.device_id not in revoked, "enrollment.revoked")
        if not request.by_ticket:
            return None, request.device_id, True
        ticket = Ticket.issue(
            own.ticket_root, own.account_id, request.fingerprint, request.ticket_id, request.expiry, request.uses
        )
        k_mac, k_name, _ = ticket.keys()
        mac = hmac.digest(k_mac, request.part2, "sha256")
        need(hmac.compare_digest(mac, request.mac), "enrollment.mac")
        padded = open_sealed(k_name, request.name_nonce, request.sealed_name, request.part1, "enrollment.mac")
        name = device_name(unpad(padded, MAX_NAME, "enrollment.name"), "enrollment.name")
        if entry and (entry.ticket_id, entry.nonce) == (request.ticket_id, request.nonce):
            return name, request.device_id, False
        need(request.ticket_id not in own.cancelled, "ticket.cancelled")
        need(now < request.expiry, "ticket.expired")
        others = [i for i, d in known.items() if i != request.device_id and d.ticket_id == request.ticket_id]
        need(len(others) < request.uses, "ticket.spent")
        return name, request.device_id, False

    def compare(self, data, now, code):
        """SPEC.md#inspect: all 24 characters, as the device shows them."""
        _, device_id, _ = self.inspect(data, now)
        try:
            same = typed(code) == typed(Request(data).device.code)
        except Refused:
            same = False
        need(same, "enrollment.code")
        return device_id

    def reveal(self, text): return reveal(self.keyring.master_keys, text)

# SPEC.md#policy

@dataclass
class Policy:
    account_id: bytes
    fingerprint: bytes
    version: int
    issued_at: int
    previous: bytes
    floors: list
    epoch: int
    key_id: bytes
    revoked: list
    entries: list
    mode: int = 1
    signed_by: tuple = ()

    @classmethod
    def parse(cls, data):
        r = Reader(data, MAX_POLICY)
        r.head(b"P", 0x71)
        account_id, fingerprint, version, issued_at = r.take(16), r.take(32), r.u64(), r.u64()
        previous, mode = r.take(32), r.one_of(1)
        floors = ascending([r.u8() for _ in range(r.u8())])
        epoch, key_id = r.epoch(), r.take(16)
        revoked = ascending([r.take(16) for _ in range(r.u16())])
        entries = [r.lp(0xFFFF) for _ in range(r.u16())]
        need(all(len(e) > (e[0] in CLASSES) if e else False for e in entries), "malformed.truncated")
        ascending([e[0] for e in entries])
        body, signature = r.so_far(), r.lp(MAX_RSA)
        r.end()
        made = cls(account_id, fingerprint, version, issued_at, previous, floors, epoch, key_id, revoked, entries, mode)
        made.signed_by = (body, signature)
        return made

    def body(self):
        return (
            (b"BTP" + u8(0x71) + self.account_id + self.fingerprint + u64(self.version) + u64(self.issued_at))
            + (self.previous + u8(self.mode) + u8(len(self.floors)) + bytes(self.floors) + u16(self.epoch))
            + (self.key_id + u16(len(self.revoked)) + b"".join(self.revoked))
            + (u16(len(self.entries)) + b"".join(lp(e) for e in self.entries))
        )

    def sign(self, account): return account.signed(b"policy", self.body())

    def verify(self, account, code):
        account.verify(b"policy", *self.signed_by, code)

    def owner(self): return self.account_id, self.fingerprint

    def needs_upgrade(self):
        """SPEC.md#needs-upgrade"""
        known = [e for e in self.entries if e[0] in CLASSES]
        return not set(self.floors) <= SUITES or any(len(e) != 2 or e[1] > 2 for e in known)

    def forms(self): return {e[0]: e[1] for e in self.entries if e[0] in CLASSES}

# SPEC.md#canonical

def canonical(form, value):
    if form == 2:
        value = value.split("://", 1)[-1]
        value = re.split(r"[/?#]", value, maxsplit=1)[0].rsplit("@", 1)[-1]
        bracket = value.startswith("[") and "]" in value
        value = value.split("]", 1)[0] + "]" if bracket else value.split(":", 1)[0]
    if form in (1, 2):
        value = re.sub("[A-Z]", lambda m: m.group().lower(), value)
    return value

# SPEC.md#delivery

@dataclass
class DeliveryHeader:
    account_id: bytes
    device_id: bytes
    epoch: int
    seq: int
    policy_hash: bytes
    device_fingerprint: bytes
    account_fingerprint: bytes
    nonce: bytes
    key_id: bytes
    type: int = 1

    def encode(self):
        return (
            (b"BTD" + u8(0x61) + u8(self.type) + self.account_id + self.device_id + u16(self.epoch) + u64(self.seq))
            + (self.policy_hash + self.device_fingerprint + self.account_fingerprint + self.nonce + self.key_id)
        )

def bundle_of(policy, keys): return lp32(policy) + u16(len(keys)) + b"".join(u8(c) + k for c, k in keys)

def seal_delivery(header, device, account, bundle):
    cek = os.urandom(32)
    kem = device.encryption.encrypt(cek, oaep(sha256(header).hex().encode()))
    key = hkdf(sha256(header), cek, b"blindtally/v1/delivery", 32)
    ct = seal(key, bytes(12), bundle, header + lp(kem))
    return account.signed(b"delivery", header + account.encoded() + lp(kem) + lp32(ct))

# SPEC.md#agent

class Agent:
    """A device's agent, from its saved state: SPEC.md#agent-state."""

    PHASES = {1: "pending", 2: "encrypted", 3: "revoked"}

    @classmethod
    def restore(cls, data, key=None):
        need(len(data) <= MAX_STATE, "malformed.too-long")
        if key is not None:
            need(data[:4] != b"BTS\x81", "state.not-wrapped")
            r = Reader(data)
            r.head(b"S", 0x82)
            data = open_sealed(key, r.take(12), r.rest(), b"BTS\x82", "state.wrong-key")
        need(data[:4] != b"BTS\x82", "state.wrapped")
        return cls(data)

    def __init__(self, data):
        r = Reader(data)
        r.head(b"S", 0x81)
        phase = r.one_of(1, 2, 3)
        self.phase, self.account_id = self.PHASES[phase], r.take(16)
        self.pin = r.take(32 if r.one_of(1, 2) == 1 else 15)
        self.device, self.nonce, self.queue_key = Private.read_private(r), r.take(16), r.take(32)
        self.ticket_id = r.take(16) if r.one_of(1, 2) == 1 else None
        self.claim = r.take(32)
        self.account, self.seq, self.delivery_hash, self.epoch, self.key_id = None, 0, None, 0, None
        self.policy, self.keys = None, {}
        if phase > 1:
            self.account, self.seq, self.delivery_hash = Public.read(r), r.u64(), r.take(32)
            self.epoch, self.key_id, self.policy = r.epoch(), r.take(16), r.lp32(MAX_POLICY)
            policy = Policy.parse(self.policy)
            policy.verify(self.account, "malformed.value")
            need(policy.owner() == (self.account_id, self.account.fingerprint), "malformed.value")
            pairs = [(r.one_of(*CLASSES), r.take(32)) for _ in range(r.u16())]
            ascending([c for c, _ in pairs])
            need(phase == 2 or not pairs, "malformed.value")
            need(self.account.fingerprint == self.pin, "malformed.value")
            self.keys = dict(pairs)
        r.end()

    def save(self, key=None, nonce=None):
        number = {v: k for k, v in self.PHASES.items()}[self.phase]
        state = b"BTS" + u8(0x81) + u8(number) + self.account_id + u8(1 if len(self.pin) == 32 else 2) + self.pin
        state += self.device.encoded_private() + self.nonce + self.queue_key
        state += (u8(2) if self.ticket_id is None else u8(1) + self.ticket_id) + self.claim
        if self.account:
            state += self.account.encoded() + u64(self.seq) + self.delivery_hash + u16(self.epoch) + self.key_id
            state += lp32(self.policy) + u16(len(self.keys)) + b"".join(u8(c) + k for c, k in sorted(self.keys.items()))
        return state if key is None else b"BTS\x82" + nonce + seal(key, nonce, state, b"BTS\x82")

    def device_id(self): return self.device.device_id(self.account_id)

    def accept(self, data):
        """SPEC.md#accepting"""
        need(self.phase != "revoked", "agent.revoked")
        refused = "accept.refused"
        r = Reader(data, MAX_DELIVERY)
        r.head(b"D", 0x61)
        r.one_of(1)
        account_id, device_id, epoch, seq = r.take(16), r.take(16), r.epoch(), r.u64()
        policy_hash, device_fp, account_fp, nonce, key_id = (r.take(n) for n in (32, 32, 32, 16, 16))
        header = r.so_far()
        account, kem, ct = Public.read(r), r.lp(MAX_RSA), r.lp32(MAX_DELIVERY)
        body, signature = r.so_far(), r.lp(MAX_RSA)
        r.end()
        need(account.fingerprint[: len(self.pin)] == self.pin, refused)  # 1
        account.verify(b"delivery", body, signature, refused)  # 2
        need(seq >= self.seq and epoch >= self.epoch, "accept.stale")  # 3
        if self.account and seq == self.seq:
            need(sha256(data) == self.delivery_hash, refused)
            return "unchanged"
        own = (self.account_id, self.device_id(), self.device.fingerprint, account.fingerprint, self.nonce)
        need((account_id, device_id, device_fp, account_fp, nonce) == own, refused)  # 4
        try:
            cek = self.device.decryption.decrypt(kem, oaep(sha256(header).hex().encode()))  # 5
        except ValueError:
            raise Refused(refused) from None
        need(len(cek) == 32, refused)
        key = hkdf(sha256(header), cek, b"blindtally/v1/delivery", 32)
        try:
            b = Reader(open_sealed(key, bytes(12), ct, header + lp(kem), refused))
            signed_policy = b.lp32(MAX_POLICY)
            pairs = [(b.u8(), b.take(32)) for _ in range(b.u16())]
            b.end()
            keys = dict(zip(ascending([c for c, _ in pairs]), [k for _, k in pairs]))
            need(sha256(signed_policy) == policy_hash, refused)  # 6
            policy = self.check_policy(signed_policy, account)
        except Refused:
            raise Refused(refused) from None
        need((policy.epoch, policy.key_id) == (epoch, key_id), refused)
        need(self.device_id() not in policy.revoked, refused)
        self.check_history(signed_policy, policy)  # 7
        need(epoch > self.epoch or key_id == self.key_id, refused)  # 8
        keys = {c: k for c, k in keys.items() if c in CLASSES}
        need(all(c in policy.forms() for c in keys), refused)
        self.phase, self.pin, self.account, self.seq = "encrypted", account.fingerprint, account, seq
        self.delivery_hash, self.epoch, self.key_id = sha256(data), epoch, key_id
        self.policy, self.keys = signed_policy, keys
        return "accepted"

    def check_policy(self, signed_policy, account):
        policy = Policy.parse(signed_policy)
        policy.verify(account, "accept.refused")
        need(policy.owner() == (self.account_id, account.fingerprint), "accept.refused")
        return policy

    def check_history(self, signed_policy, policy):
        if self.policy is None:
            return
        stored = Policy.parse(self.policy)
        need(policy.version >= stored.version, "accept.stale")
        need(policy.version > stored.version or signed_policy == self.policy, "accept.refused")
        follows = policy.previous in (bytes(32), sha256(self.policy))
        need(policy.version != stored.version + 1 or follows, "accept.refused")

    def apply_policy(self, signed_policy):
        """SPEC.md#policy-alone"""
        self.check_running()
        policy = self.check_policy(signed_policy, self.account)
        self.check_history(signed_policy, policy)
        if signed_policy == self.policy:
            return "unchanged"
        if self.device_id() in policy.revoked:
            self.phase, self.keys, self.policy = "revoked", {}, signed_policy
            self.queue_key = bytes(32)
            return "revoked"
        if policy.epoch > self.epoch:
            return "delivery-needed"
        need((policy.epoch, policy.key_id) == (self.epoch, self.key_id), "accept.refused")
        self.policy = signed_policy
        return "updated"

    def check_running(self):
        need(self.phase != "revoked", "agent.revoked")
        need(self.phase != "pending", "state.phase")

    def forms(self):
        self.check_running()
        policy = Policy.parse(self.policy)
        need(not policy.needs_upgrade(), "agent.needs-upgrade")
        return policy.forms()

    def tokenize(self, cls, value):
        form = self.forms().get(cls)
        need(cls in self.keys and form is not None, "tokenize.no-key")
        return token_text(tokenize(self.keys[cls], self.account_id, cls, self.epoch, canonical(form, value).encode()))

    def seal_record(self, cls, value, seq):
        need(cls in self.forms() and cls in self.keys, "record.no-key")
        where = self.account_id, cls, self.epoch, self.device_id()
        return seal_record(self.keys[cls], *where, seq, os.urandom(12), value.encode())
