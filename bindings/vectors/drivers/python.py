"""The driver of the Python package: what bindings/vectors/README.md asks for, call by call."""

from __future__ import annotations

import io
import itertools
import json
import sys
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import blindtally as bt

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

kept: dict[int, Any] = {}
handles = itertools.count(1)

# By type: the fields that are given with an object, each made of it.
FIELDS: dict[type, dict[str, Callable[[Any], Any]]] = {
    bt.AccountSecret: {"text": lambda secret: secret.to_text()},
    bt.Agent: {"device_id": lambda agent: agent.device_id, "account": lambda agent: agent.account},
    bt.Archive: {
        "listing": lambda archive: archive.listing,
        "made": lambda archive: archive.made,
        "files": lambda archive: [
            {"path": file.path, "modified": file.modified, "length": file.length} for file in archive.files
        ],
    },
    bt.Backup: {"account": lambda backup: backup.account, "text": lambda backup: backup.to_text()},
    bt.ComparisonRequest: {"device_id": lambda request: request.device_id},
    bt.Identity: {},
    bt.Login: {},
    bt.Owner: {
        "account": lambda owner: owner.account,
        "fingerprint": lambda owner: owner.fingerprint,
        "generation": lambda owner: owner.generation,
    },
    bt.PendingAgent: {"device_id": lambda agent: agent.device_id, "account": lambda agent: agent.account},
    bt.RecoveryKey: {"text": lambda key: key.to_text()},
    bt.Restored: {"account": lambda keys: keys.account, "fingerprint": lambda keys: keys.fingerprint},
    bt.VerifiedRequest: {"device_id": lambda request: request.device_id, "name": lambda request: request.name},
}


def encoded(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return {"hex": value.hex()}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {name: encoded(item) for name, item in value.items()}
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if type(value) in FIELDS:
        handle = next(handles)
        kept[handle] = value
        fields = {name: encoded(get(value)) for name, get in FIELDS[type(value)].items()}
        return {"handle": handle, "type": type(value).__name__, **fields}
    return value


def decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    if "handle" in value:
        return kept[value["handle"]]
    return {name: decoded(item) for name, item in value.items()}


def prelogin_of(prelogin: dict[str, Any]) -> bt.Prelogin:
    kdf = dict(prelogin["kdf"])
    make = {"pbkdf2": bt.Kdf.pbkdf2, "argon2id": bt.Kdf.argon2id}[kdf.pop("name")]
    return bt.Prelogin(kdf=make(**kdf), salt=prelogin["salt"], account=prelogin["account"])


def parse_ticket(text: str) -> dict[str, Any]:
    ticket = bt.Ticket.parse(text)
    try:
        expiry = ticket.expiry
    except bt.BlindtallyError:
        expiry = None  # after the year 9999
    return {
        "id": ticket.id,
        "account": ticket.account,
        "uses": ticket.uses,
        "expiry": expiry,
        "authenticator_hash": ticket.authenticator_hash(),
        "text": ticket.to_text(),
        "link": ticket.to_link(),
    }


def read_blob(keys: bt.OpeningKeys, blob: bytes, piece: int) -> dict[str, Any]:
    pieces: list[bytes] = []
    try:
        with keys.blob_reader(io.BytesIO(blob)) as reader:
            pieces.extend(iter(lambda: reader.read(piece), b""))
            header = reader.header
    except bt.BlindtallyError as refused:
        return {"pieces": pieces, "error": refused.code, "header": None}
    fields = {name: getattr(header, name) for name in ("epoch", "device", "id", "seq")}
    return {"pieces": pieces, "error": None, "header": {"class": header.blob_class.id, **fields}}


def open_record(keys: bt.OpeningKeys, record: str) -> dict[str, Any]:
    opened = keys.open_record(record)
    fields = {name: getattr(opened, name) for name in ("value", "device", "seq", "epoch")}
    return {"class": opened.record_class.id, **fields}


def read_file(keys: bt.OpeningKeys, blob: bytes) -> bytes:
    with keys.blob_file(io.BytesIO(blob)) as file:
        return file.readall()


def devices(owner: bt.Owner) -> list[dict[str, Any]]:
    names = ("id", "name", "status", "confirmed_at", "fingerprint", "code")
    return [{name: getattr(device, name) for name in names} for device in owner.devices]



def release(kept_object: Any) -> None:
    if hasattr(kept_object, "close"):
        kept_object.close()


# `class` is a word of Python's: the argument is named kind here.
CALLS: dict[str, Callable[..., Any]] = {
    "find_tokens": lambda text: {"unit": "characters", "found": bt.find_tokens(text)},
    "token_index": lambda token: bt.token_index(token),
    "load_agent": lambda state, wrapping_key: bt.load_agent(state, wrapping_key),
    "Agent.from_state": lambda state, wrapping_key: bt.Agent.from_state(state, wrapping_key),
    "Agent.enroll_by_code": lambda code, identity: bt.Agent.enroll_by_code(code, identity=identity),
    "Agent.status": lambda on: {"kind": on.status.kind},
    "Agent.tokenize": lambda on, kind, value: on.tokenize(bt.TokenClass(kind), value),
    "Agent.tokenize_many": lambda on, kind, values: on.tokenize_many(bt.TokenClass(kind), values),
    "Agent.seal_record": lambda on, kind, value, seq: on.seal_record(bt.RecordClass(kind), value, seq),
    "Agent.seal_blob": lambda on, kind, content, seq: on.seal_blob(bt.BlobClass(kind), content, seq),
    "Agent.accept": lambda on, delivery: on.accept(delivery),
    "Agent.apply_policy": lambda on, policy: on.apply_policy(policy),
    "Agent.export_state": lambda on, wrapping_key: on.export_state(wrapping_key),
    "PendingAgent.accept": lambda on, delivery: on.accept(delivery),
    "PendingAgent.export_state": lambda on, wrapping_key: on.export_state(wrapping_key),
    "Owner.login_proof": lambda on: on.login_proof(),
    "Owner.keep_unlocked": lambda on: on.keep_unlocked(),
    "Owner.devices": lambda on: devices(on),
    "Owner.inspect": lambda on, request, now: on.inspect(request, now=EPOCH + timedelta(milliseconds=now)),
    "Owner.backup_with_recovery_key": lambda on: on.backup_with_recovery_key(),
    "ComparisonRequest.confirm": lambda on, code_shown, name: on.confirm(code_shown, name),
    "Opened.reveal": lambda on, token: on.reveal(token),
    "Opened.reveal_many": lambda on, tokens: on.reveal_many(tokens),
    "Opened.open_record": lambda on, record: open_record(on, record),
    "Opened.open_blob": lambda on, blob: on.open_blob(blob),
    "Opened.read_blob": lambda on, blob, piece: read_blob(on, blob, piece),
    "Opened.blob_file": lambda on, blob: read_file(on, blob),
    "Opened.open_archive": lambda on, archive: on.open_archive(io.BytesIO(archive)),
    "Opened.recovery_proof": lambda on: on.recovery_proof(),
    "Archive.read": lambda on, file: on.read(file),
    "Login.start": lambda login, password, prelogin, account_secret: bt.Login.start(
        login, password, prelogin_of(prelogin), account_secret=account_secret
    ),
    "Login.resume": lambda login, kept, prelogin: bt.Login.resume(login, kept, prelogin_of(prelogin)),
    "Login.proof": lambda on: on.proof(),
    "Login.unlock": lambda on, vault, seen: on.unlock(vault, seen),
    "AccountSecret.parse": lambda text: bt.AccountSecret.parse(text),
    "RecoveryKey.parse": lambda text: bt.RecoveryKey.parse(text),
    "Backup.parse": lambda text: bt.Backup.parse(text),
    "Backup.open_with_passphrase": lambda on, passphrase: on.open_with_passphrase(passphrase),
    "Backup.open_with_recovery_key": lambda on, key: on.open_with_recovery_key(key),
    "Ticket.parse": lambda text: parse_ticket(text),
    "Identity.from_pkcs8": lambda encryption, signing: bt.Identity.from_pkcs8(encryption, signing),
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    name, arguments = request["call"], decoded(request["with"])
    if name == "release":
        release(kept.pop(request["on"]))
        return {"ok": None}
    if name not in CALLS:
        return {"error": "driver.unknown"}
    if "class" in arguments:
        arguments["kind"] = arguments.pop("class")
    if "on" in request:
        arguments["on"] = kept[request["on"]]
    try:
        return {"ok": encoded(CALLS[name](**arguments))}
    except bt.BlindtallyError as refused:
        return {"error": refused.code}


def main() -> None:
    for line in sys.stdin.buffer:
        reply = answer(json.loads(line))
        sys.stdout.buffer.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
