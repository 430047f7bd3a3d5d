"""What others offer for the same purpose: equal text to equal text, a list of str in and a list of str out."""

from __future__ import annotations

import os
import uuid
from base64 import urlsafe_b64encode
from typing import Any, Callable, Dict, Iterator, List

import bson
import tink
from blindtally_echo import echo
from bson.binary import Binary
from bson.raw_bson import RawBSONDocument
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from pymongocrypt.explicit_encrypter import ExplicitEncrypter
from pymongocrypt.mongocrypt import MongoCryptOptions
from pymongocrypt.state_machine import MongoCryptCallback
from tink import daead

Tokenize = Callable[[List[str]], List[str]]


def tink_siv() -> Tokenize:
    """Tink's deterministic AEAD: AES-SIV."""
    daead.register()
    keys = tink.new_keyset_handle(daead.deterministic_aead_key_templates.AES256_SIV)
    seal = keys.primitive(daead.DeterministicAead).encrypt_deterministically
    return lambda values: [urlsafe_b64encode(seal(value.encode(), b"account")).decode() for value in values]


def pyca_gcm_siv() -> Tokenize:
    """The cipher of this package by pyca/cryptography, under one nonce."""
    seal, nonce = AESGCMSIV(AESGCMSIV.generate_key(256)).encrypt, os.urandom(12)
    return lambda values: [urlsafe_b64encode(seal(nonce, value.encode(), b"account")).decode() for value in values]


class KeyVault(MongoCryptCallback):
    """The key vault of libmongocrypt, as one document in memory: there is no server to ask for it."""

    document: bytes

    def insert_data_key(self, data_key: bytes) -> Binary:
        self.document = data_key
        return bson.decode(data_key)["_id"]

    def fetch_keys(self, filter: bytes) -> Iterator[bytes]:
        yield self.document

    def bson_encode(self, doc: Dict[str, Any]) -> bytes:
        return bson.encode(doc)

    def kms_request(self, kms_context: object) -> None:
        raise NotImplementedError("the master key is local")

    def collection_info(self, database: str, filter: bytes) -> None:
        raise NotImplementedError("there is no collection")

    def mark_command(self, database: str, cmd: bytes) -> None:
        raise NotImplementedError("there is no command")

    def close(self) -> None:
        pass


def mongocrypt() -> Tokenize:
    """MongoDB's client-side field level encryption, deterministic."""
    vault = KeyVault()
    encrypter = ExplicitEncrypter(vault, MongoCryptOptions({"local": {"key": os.urandom(96)}}))
    key = encrypter.create_data_key("local")
    if isinstance(key, uuid.UUID):
        key = key.bytes

    def seal(value: str) -> str:
        sealed = encrypter.encrypt(
            bson.encode({"v": value}), "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic", key_id=bytes(key)
        )
        return urlsafe_b64encode(RawBSONDocument(sealed)["v"]).decode()

    return lambda values: [seal(value) for value in values]


__all__ = ["Tokenize", "echo", "mongocrypt", "pyca_gcm_siv", "tink_siv"]
