"""What every artefact of SPEC.md shares: integers, strict reading, hashes, text encodings, registries, limits, padding."""

import base64
import hashlib
import hmac
import re
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

class Refused(Exception):
    """A refusal; `code` is its stable name in SPEC.md#errors."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code

def need(holds, code):
    if not holds:
        raise Refused(code)

# SPEC.md#conventions

def u8(n): return struct.pack(">B", n)
def u16(n): return struct.pack(">H", n)
def u32(n): return struct.pack(">I", n)
def u64(n): return struct.pack(">Q", n)
def lp(x): return u16(len(x)) + x
def lp32(x): return u32(len(x)) + x
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def extract(salt, ikm): return hmac.digest(salt, ikm, "sha256")
def expand(key, info, length): return HKDFExpand(hashes.SHA256(), length, info).derive(key)
def hkdf(salt, ikm, info, length): return expand(extract(salt, ikm), info, length)
def seal(key, nonce, plaintext, data): return AESGCMSIV(key).encrypt(nonce, plaintext, data)

def open_sealed(key, nonce, ciphertext, data, code):
    try:
        return AESGCMSIV(key).decrypt(nonce, ciphertext, data)
    except (InvalidTag, ValueError):
        raise Refused(code) from None

def b64(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

def unb64(text):
    """base64url of the strict kind: alphabet, no padding, unused bits zero (SPEC.md#strict)."""
    need(re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, "malformed.encoding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(b64(data) == text, "malformed.encoding")
    return data

class Reader:
    """SPEC.md#strict: what ends early, goes on too long or exceeds a limit is refused."""

    def __init__(self, data, limit=None):
        need(limit is None or len(data) <= limit, "malformed.too-long")
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "malformed.truncated")
        self.at += n
        return self.data[self.at - n : self.at]

    def u8(self): return self.take(1)[0]
    def u16(self): return int.from_bytes(self.take(2))
    def u32(self): return int.from_bytes(self.take(4))
    def u64(self): return int.from_bytes(self.take(8))

    def lp(self, limit):
        n = self.u16()
        need(n <= limit, "malformed.too-long")
        return self.take(n)

    def lp32(self, limit):
        n = self.u32()
        need(n <= limit, "malformed.too-long")
        return self.take(n)

    def one_of(self, *allowed):
        value = self.u8()
        need(value in allowed, "malformed.value")
        return value

    def epoch(self):
        value = self.u16()
        need(value != 0, "malformed.value")
        return value

    def head(self, kind, suite):
        need(self.take(2) == b"BT", "malformed.magic")
        need(self.take(1) == kind, "malformed.kind")
        need(self.u8() == suite, "malformed.suite")

    def so_far(self): return self.data[: self.at]
    def rest(self): return self.take(len(self.data) - self.at)

    def end(self):
        need(self.at == len(self.data), "malformed.trailing")

# The property White_Space of Unicode, which is not quite what str.isspace means.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

def without_white_space(text): return "".join(c for c in text if c not in WHITE_SPACE)

def ascending(items, code="malformed.order"):
    need(all(a < b for a, b in zip(items, items[1:])), code)
    return items

# SPEC.md#crockford

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("abcdefghijklmnopqrstuvwxyzOIL", "ABCDEFGH1JK1MN0PQRSTUVWXYZ011")

def crockford(data, bits=None, group=4):
    bits = bits or 8 * len(data)
    chars = -(-bits // 5)
    number = int.from_bytes(data) >> (8 * len(data) - bits) << (5 * chars - bits)
    text = "".join(ALPHABET[number >> (5 * i) & 31] for i in reversed(range(chars)))
    return "-".join(text[i : i + group] for i in range(0, chars, group))

def typed(text):
    """What a person typed, in the alphabet."""
    text = without_white_space(text.replace("-", "")).translate(READ_AS)
    need(all(c in ALPHABET for c in text), "malformed.encoding")
    return text

def uncrockford(text, bits):
    """The first `bits` bits, as a number; the characters have been counted by the caller."""
    number = 0
    for c in text:
        number = number << 5 | ALPHABET.index(c)
    unused = 5 * len(text) - bits
    need(number & ((1 << unused) - 1) == 0, "malformed.encoding")
    return number >> unused

def checked_code(key): return crockford(key + sha256(b"blindtally/v1/check", key)[:2], 140)

def parse_checked_code(text):
    try:
        text = typed(text)
        need(len(text) == 28, "malformed.encoding")
        key = (uncrockford(text, 140) >> 12).to_bytes(16)
        need(typed(checked_code(key)) == text, "malformed.checksum")
    except Refused:
        raise Refused("recovery-key.invalid") from None
    return key

def account_code(account_id, fingerprint):
    """SPEC.md#ticket: 26 characters of the account id in two groups, then 24 of the fingerprint in six."""
    return crockford(account_id, group=13) + "-" + crockford(fingerprint[:15])

def parse_account_code(text):
    text = typed(text)
    need(len(text) == 50, "malformed.encoding")
    return uncrockford(text[:26], 128).to_bytes(16), uncrockford(text[26:], 120).to_bytes(15)

# SPEC.md#registries

TOKEN_CLASSES = {*range(1, 8), *range(128, 192)}
RECORD_CLASSES = {16, 17, 18, *range(192, 224)}
BLOB_CLASSES = {32, 33, 34, 40, *range(224, 256)}
CLASSES = TOKEN_CLASSES | RECORD_CLASSES | BLOB_CLASSES
SUITES = {0x11, 0x21, 0x31, 0x41, 0x51, 0x61, 0x71, 0x81, 0x82}  # those a floor may name: SPEC.md#needs-upgrade
PBKDF2, ARGON2ID, NO_KDF = 1, 2, 3
LOGIN, PASSPHRASE, RECOVERY_KEY = 1, 2, 3

# SPEC.md#limits

MAX_VALUE, MAX_RECORD, MAX_NAME, MAX_LOGIN, MAX_PASSWORD = 4096, 1 << 20, 128, 320, 1024
MAX_RSA, MAX_SPKI, MAX_PKCS8 = 512, 600, 4096
MAX_KEPT_LOGIN, MAX_STATE = 488, 163_840
MAX_VAULT, MAX_POLICY, MAX_DELIVERY, MAX_REQUEST = 8 << 20, 131_072, 147_456, 4096
MAX_BACKUP_FILE = 12_582_912

# SPEC.md#padding

def padded_len(v):
    n = v + 1
    if n > 64:
        e = n.bit_length() - 1
        step = 1 << (e - e.bit_length())
        n = -(-n // step) * step
    return -(-n // 16) * 16

def pad(value): return (value + b"\x80").ljust(padded_len(len(value)), b"\x00")

def unpad(plaintext, limit, code):
    value = plaintext.rstrip(b"\x00")
    need(value.endswith(b"\x80") and len(value) - 1 <= limit, code)
    need(padded_len(len(value) - 1) == len(plaintext), code)
    value = value[:-1]
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(code) from None
    return value

def check_padded_len(n):
    need(n >= padded_len(0), "malformed.truncated")
    need(padded_len(n - 1) == n, "malformed.value")

def prefixed(text, prefix, limit=None):
    """What follows the prefix, of at most so many bytes."""
    need(limit is None or len(text.encode()) <= len(prefix) + -(-limit * 4 // 3), "malformed.too-long")
    need(text.startswith(prefix), "malformed.encoding")
    return unb64(text[len(prefix) :])
