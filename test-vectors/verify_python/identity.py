"""The two RSA key pairs of an account or a device: SPEC.md#identity and SPEC.md#signatures."""

import functools

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from wire import *

V1_SIGNATURE = b"blindtally/v1/signature\x00"
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)

def oaep(label): return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label)

def load_public(spki):
    """One RSA key in its only accepted encoding."""
    try:
        key = serialization.load_der_public_key(spki)
        same = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == spki
    except Exception:
        raise Refused("malformed.public-key") from None
    right = isinstance(key, rsa.RSAPublicKey) and key.key_size in (2048, 3072, 4096) and key.public_numbers().e == 65537
    right = right and key.public_numbers().n % 2 == 1
    need(same and right, "malformed.public-key")
    return key

@functools.cache
def load_private(pkcs8):
    try:
        key = serialization.load_der_private_key(pkcs8, None)
        same = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) == pkcs8
        load_public(spki_of(key))
        numbers = key.private_numbers()
        same = same and numbers.d < numbers.public_numbers.n
    except Exception:
        raise Refused("malformed.private-key") from None
    need(same, "malformed.private-key")
    return key

def spki_of(private): return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

class Public:
    """The public half of an account or a device."""

    def __init__(self, encryption, signing):
        self.spkis = (encryption, signing)
        self.encryption, self.signing = load_public(encryption), load_public(signing)
        need(encryption != signing, "malformed.public-key")
        self.fingerprint = sha256(b"blindtally/v1/fingerprint", lp(encryption), lp(signing))
        self.code = crockford(self.fingerprint[:15])

    @classmethod
    def read(cls, reader): return cls(reader.lp(MAX_SPKI), reader.lp(MAX_SPKI))
    def encoded(self): return lp(self.spkis[0]) + lp(self.spkis[1])
    def device_id(self, account_id): return sha256(b"blindtally/v1/device", account_id, self.fingerprint)[:16]

    def verify(self, label, message, signature, code):
        """SPEC.md#signatures"""
        try:
            self.signing.verify(signature, V1_SIGNATURE + lp(label) + message, PSS, hashes.SHA256())
        except InvalidSignature:
            raise Refused(code) from None

class Private(Public):
    """Both key pairs of an account or a device."""

    def __init__(self, encryption, signing):
        self.pkcs8 = (encryption, signing)
        self.decryption, self.signer = load_private(encryption), load_private(signing)
        need(encryption != signing, "malformed.private-key")
        super().__init__(spki_of(self.decryption), spki_of(self.signer))

    @classmethod
    def read_private(cls, reader): return cls(reader.lp32(MAX_PKCS8), reader.lp32(MAX_PKCS8))
    def encoded_private(self): return lp32(self.pkcs8[0]) + lp32(self.pkcs8[1])

    def signed(self, label, body):
        return body + lp(self.signer.sign(V1_SIGNATURE + lp(label) + body, PSS, hashes.SHA256()))
