"""What the cases are made of: groups that number their tests, ways to damage bytes, and keys made once for each run."""

import dataclasses
import functools

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from blindtally import *

random = os.urandom
replace = dataclasses.replace

class File:
    """One vector file: its groups number their tests in one sequence."""

    def __init__(self, algorithm, *header):
        self.algorithm, self.header, self.groups, self.count = algorithm, header, [], 0

    def group(self, kind, **inputs):
        self.groups.append(Group(self, kind, inputs))
        return self.groups[-1]

    def as_json(self):
        groups = [group.data for group in self.groups]
        about = {"algorithm": self.algorithm, "header": list(self.header), "numberOfTests": self.count}
        return {**about, "testGroups": groups}

class Group:
    def __init__(self, file, kind, inputs):
        self.file, self.data = file, {"type": kind, **plain(inputs), "tests": []}

    def add(self, comment, result, fields):
        self.file.count += 1
        self.data["tests"].append({"tcId": self.file.count, "comment": comment, **plain(fields), **result})

    def valid(self, comment, **fields): self.add(comment, {"result": "valid"}, fields)
    def invalid(self, comment, code, **fields): self.add(comment, {"result": "invalid", "expect": code}, fields)

def plain(x):
    """Bytes as hex, at any depth."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x.hex() if isinstance(x, bytes) else x

def flip(data, at=-1):
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)

def put(data, at, new): return data[:at] + new + data[at + len(new) :]

# Keys

def pkcs8(key): return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

@functools.cache
def rsa_key(name, bits=2048, exponent=65537):
    """The key of that name: the same one throughout a run."""
    return pkcs8(rsa.generate_private_key(exponent, bits))

@functools.cache
def pair(name, bits=2048): return Private(rsa_key(name + " encryption", bits), rsa_key(name + " signing", bits))

def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = u8(n) if n < 128 else (u8(0x81) + u8(n) if n < 256 else u8(0x82) + u16(n))
    return u8(tag) + size + body

RSA_OID, PSS_OID, NULL = (bytes.fromhex(x) for x in ("06092a864886f70d010101", "06092a864886f70d01010a", "0500"))

def spki_with(spki, algorithm):
    """The same key under another AlgorithmIdentifier."""
    start = spki.index(RSA_OID + NULL) + len(RSA_OID + NULL)
    return der(0x30, algorithm, spki[start:])

def spki_with_long_length(spki):
    """BER, not DER: the outer length in one byte more than it needs."""
    return b"\x30\x83\x00" + spki[2:]

# An account, as its owner holds it

CLASS_FORMS = [(1, 1), (2, 0), (3, 2), (16, 0), (128, 0)]

def entries(forms=CLASS_FORMS): return [u8(c) + u8(f) for c, f in forms]

class Account:
    def __init__(self, name, bits):
        self.id, self.root, self.keys = random(16), random(32), pair(name, bits)
        self.masters = {e: MasterKey(self.id, e, random(32)) for e in (1, 2, 3)}

    def policy(self, version=1_700_000_000, epoch=1, previous=bytes(32), **changed):
        made = Policy(
            self.id, self.keys.fingerprint, version, 1_700_000_000, previous,
            [0x11, 0x21, 0x31], epoch, self.masters[epoch].key_id(), [], entries(),
        )
        return replace(made, **changed)

    def keyring(self, policy=None, generation=7, **changed):
        policy = policy or self.policy().sign(self.keys)
        return replace(Keyring(generation, self.id, [self.masters[1]], self.keys, policy, self.root), **changed)

    def ticket(self, expiry, uses=1, ticket_id=None, root=None):
        return Ticket.issue(root or self.root, self.id, self.keys.fingerprint, ticket_id or random(16), expiry, uses)

    def state(self, device, by_code=False):
        """A pending agent's state."""
        pin = self.keys.fingerprint[:15] if by_code else self.keys.fingerprint
        how = u8(2) if by_code else u8(1) + random(16)
        start = b"BTS\x81" + u8(1) + self.id + u8(2 if by_code else 1) + pin
        return start + device.encoded_private() + random(16) + random(32) + how + random(32)

    def delivery_header(self, agent, policy, epoch=1, seq=1_700_000_000_000, **changed):
        made = DeliveryHeader(
            self.id, agent.device_id(), epoch, seq, sha256(policy), agent.device.fingerprint,
            self.keys.fingerprint, agent.nonce, self.masters[epoch].key_id(),
        )
        return replace(made, **changed)

    def class_keys(self, agent, epoch=1, classes=[c for c, _ in CLASS_FORMS]):
        return [(c, self.masters[epoch].delivered(c, agent.device_id())) for c in classes]

@functools.cache
def account(name="account", bits=3072): return Account(name, bits)
