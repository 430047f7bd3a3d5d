"""What cases.py uses of the package `blindtally`, done by a driver: a child process that calls its own binding.

README.md says what goes back and forth. Objects with state are handles of the driver's; what only has fields is kept
here.
"""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta, timezone
from typing import Any

Reply = Any


class BlindtallyError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DriverFailed(Exception):
    """The driver ended, or did not answer as README.md says; no case can be checked any more."""


class Driver:
    def __init__(self, command: list[str]) -> None:
        self.command = command
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise DriverFailed(f"cannot start {command[0]}: {error}") from error
        # Handles whose objects are gone here: told before the next call, for an object may go in the middle of one.
        self.gone: list[int] = []
        self.last = ""
        self.unsupported: set[str] = set()

    def call(self, name: str, on: int | None = None, /, **arguments: Any) -> Reply:
        while self.gone:
            self.ask({"call": "release", "on": self.gone.pop(), "with": {}})
        request = {"call": name, "with": {key: encoded(value) for key, value in arguments.items()}}
        if on is not None:
            request["on"] = on
        return self.ask(request)

    def ask(self, request: dict[str, Any]) -> Reply:
        name = self.last = request["call"]
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            self.process.stdout.close()
            raise DriverFailed(f"the driver ended in the call {name} (exit code {self.process.wait()})")
        try:
            reply = json.loads(line)
            [(kind, value)] = reply.items()
            refused = kind == "error" and isinstance(value, str)
            if kind == "ok":
                return self.decoded(value)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise DriverFailed(f"no reply to the call {name}: {line[:200]!r}") from error
        if not refused:
            raise DriverFailed(f"no reply to the call {name}: {line[:200]!r}")
        if value == "driver.unsupported" and name in OPTIONAL:
            self.unsupported.add(name)
        elif value.startswith("driver."):
            raise DriverFailed(f"the driver answers {value} to the call {name}")
        raise BlindtallyError(value)

    def decoded(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.decoded(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"hex"}:
            return bytes.fromhex(value["hex"])
        fields = {key: self.decoded(item) for key, item in value.items()}
        if "handle" in fields:
            return TYPES[fields.pop("type")](fields.pop("handle"), fields)
        return fields

    def end(self) -> None:
        """It ends by itself when its input ends."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait() != 0:
            raise DriverFailed(f"the driver ended with exit code {self.process.returncode}, after the last call")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


OPTIONAL = {"Opened.blob_file"}
driver: Driver


def start(command: list[str]) -> Driver:
    global driver
    driver = Driver(command)
    return driver


def encoded(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return {"hex": value.hex()}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {key: encoded(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, Kept):
        return {"handle": value.handle}
    if isinstance(value, Class):
        return value.id
    return value


EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(millis: int) -> datetime:
    return EPOCH + timedelta(milliseconds=millis)


class Kept:
    """An object that the driver keeps, until it is gone here too."""

    def __init__(self, handle: int, fields: dict[str, Any]) -> None:
        self.handle = handle
        self.fields = fields
        self.driver = driver

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("fields", ()):
            return self.fields[name]
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def call(self, name: str, /, **arguments: Any) -> Any:
        return self.driver.call(name, self.handle, **arguments)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.handle is not None:
            self.driver.gone.append(self.handle)
            self.handle = None

    def __del__(self) -> None:
        if "handle" in self.__dict__:
            self.close()


class Class:
    """The driver finds out whether there is a class of this number."""

    def __init__(self, id: int) -> None:
        self.id = id

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)


class TokenClass(Class):
    URL: TokenClass


TokenClass.URL = TokenClass(4)


class RecordClass(Class):
    pass


class BlobClass(Class):
    pass


class Fields:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


# The agent's end


class PendingAgent(Kept):
    def accept(self, delivery: bytes) -> Agent:
        return self.call("PendingAgent.accept", delivery=delivery)

    def export_state(self, wrapping_key: bytes | None) -> bytes:
        return self.call("PendingAgent.export_state", wrapping_key=wrapping_key)


class Agent(Kept):
    @staticmethod
    def enroll_by_code(code: str, *, identity: Identity) -> tuple[PendingAgent, bytes]:
        pending, request = driver.call("Agent.enroll_by_code", code=code, identity=identity)
        return pending, request

    @staticmethod
    def from_state(state: bytes, wrapping_key: bytes | None = None) -> Agent:
        return driver.call("Agent.from_state", state=state, wrapping_key=wrapping_key)

    @property
    def status(self) -> Fields:
        return Fields(**self.call("Agent.status"))

    def tokenize(self, token_class: TokenClass, value: str) -> str:
        return self.call("Agent.tokenize", **{"class": token_class, "value": value})

    def tokenize_many(self, token_class: TokenClass, values: list[str]) -> list[str]:
        return self.call("Agent.tokenize_many", **{"class": token_class, "values": values})

    def seal_record(self, record_class: RecordClass, value: str, when: int) -> str:
        return self.call("Agent.seal_record", **{"class": record_class, "value": value, "seq": when})

    def seal_blob(self, blob_class: BlobClass, content: bytes, when: int) -> bytes:
        return self.call("Agent.seal_blob", **{"class": blob_class, "content": content, "seq": when})

    def accept(self, delivery: bytes) -> str:
        return self.call("Agent.accept", delivery=delivery)

    def apply_policy(self, policy: bytes) -> str:
        return self.call("Agent.apply_policy", policy=policy)

    def export_state(self, wrapping_key: bytes | None) -> bytes:
        return self.call("Agent.export_state", wrapping_key=wrapping_key)


def load_agent(state: bytes, wrapping_key: bytes | None = None) -> Agent | PendingAgent:
    return driver.call("load_agent", state=state, wrapping_key=wrapping_key)


# What opens


class OpeningKeys(Kept):
    def reveal(self, token: str) -> str:
        return self.call("Opened.reveal", token=token)

    def reveal_many(self, tokens: list[str]) -> list[str]:
        return self.call("Opened.reveal_many", tokens=tokens)

    def open_record(self, record: str) -> Fields:
        opened = self.call("Opened.open_record", record=record)
        return Fields(record_class=RecordClass(opened.pop("class")), **opened)

    def open_blob(self, blob: bytes) -> bytes:
        return self.call("Opened.open_blob", blob=blob)

    def blob_reader(self, file: Any) -> BlobReader:
        return BlobReader(self, file.read())

    def blob_file(self, file: Any) -> BlobFile:
        return BlobFile(self, file.read())

    def open_archive(self, file: Any) -> Archive:
        return self.call("Opened.open_archive", archive=file.read())

    def recovery_proof(self) -> bytes:
        return self.call("Opened.recovery_proof")


class BlobReader:
    """The driver reads it all in pieces of the first size that is asked for."""

    def __init__(self, keys: OpeningKeys, blob: bytes) -> None:
        self.keys = keys
        self.blob = blob
        self.read_all: dict[str, Any] | None = None

    def __enter__(self) -> BlobReader:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        if self.read_all is None:
            self.read_all = self.keys.call("Opened.read_blob", blob=self.blob, piece=size)
        if self.read_all["pieces"]:
            piece = self.read_all["pieces"].pop(0)
            assert 0 < len(piece) <= size, f"a piece of {len(piece)} bytes, of {size} at most"
            return piece
        if self.read_all["error"] is not None:
            raise BlindtallyError(self.read_all["error"])
        return b""

    @property
    def header(self) -> Fields:
        assert self.read_all is not None
        header = self.read_all["header"]
        assert header is not None, "a blob that was read has no header"
        return Fields(blob_class=BlobClass(header["class"]), **{k: v for k, v in header.items() if k != "class"})


class BlobFile:
    """Where the binding has no random access, what opening it whole gives."""

    def __init__(self, keys: OpeningKeys, blob: bytes) -> None:
        self.keys = keys
        self.blob = blob

    def readall(self) -> bytes:
        try:
            return self.keys.call("Opened.blob_file", blob=self.blob)
        except BlindtallyError as refused:
            if refused.code != "driver.unsupported":
                raise
        return self.keys.open_blob(self.blob)


class Archive(Kept):
    @property
    def files(self) -> list[Fields]:
        return [Fields(**{**file, "modified": moment(file["modified"])}) for file in self.fields["files"]]

    @property
    def made(self) -> datetime | None:
        made = self.fields["made"]
        return None if made is None else moment(made)

    def read(self, file: int) -> bytes:
        return self.call("Archive.read", file=file)


class Restored(OpeningKeys):
    pass


# The owner's end


class Owner(OpeningKeys):
    @property
    def devices(self) -> list[Fields]:
        return [Fields(**device) for device in self.call("Owner.devices")]

    def login_proof(self) -> bytes:
        return self.call("Owner.login_proof")

    def keep_unlocked(self) -> bytes:
        return self.call("Owner.keep_unlocked")

    def inspect(self, request: bytes, *, now: datetime) -> VerifiedRequest | ComparisonRequest:
        return self.call("Owner.inspect", request=request, now=now)

    def backup_with_recovery_key(self) -> tuple[Backup, RecoveryKey]:
        backup, key = self.call("Owner.backup_with_recovery_key")
        return backup, key


class VerifiedRequest(Kept):
    pass


class ComparisonRequest(Kept):
    def confirm(self, code_shown: str, name: str) -> VerifiedRequest:
        return self.call("ComparisonRequest.confirm", code_shown=code_shown, name=name)


class Identity(Kept):
    @staticmethod
    def from_pkcs8(encryption: bytes, signing: bytes) -> Identity:
        return driver.call("Identity.from_pkcs8", encryption=encryption, signing=signing)


class Ticket(Fields):
    @staticmethod
    def parse(text: str) -> Ticket:
        return Ticket(**{f"_{name}": value for name, value in driver.call("Ticket.parse", text=text).items()})

    def to_text(self) -> str:
        return self._text

    def to_link(self) -> str:
        return self._link

    def authenticator_hash(self) -> bytes:
        return self._authenticator_hash

    @property
    def id(self) -> str:
        return self._id

    @property
    def account(self) -> str:
        return self._account

    @property
    def uses(self) -> int:
        return self._uses

    @property
    def expiry(self) -> datetime:
        return moment(self._expiry)


# Passwords


class Kdf:
    @staticmethod
    def pbkdf2(iterations: int) -> dict[str, Any]:
        return {"name": "pbkdf2", "iterations": iterations}

    @staticmethod
    def argon2id(memory_kib: int, passes: int, lanes: int) -> dict[str, Any]:
        return {"name": "argon2id", "memory_kib": memory_kib, "passes": passes, "lanes": lanes}


def Prelogin(*, kdf: dict[str, Any], salt: bytes, account: str) -> dict[str, Any]:
    return {"kdf": kdf, "salt": salt, "account": account}


class Login(Kept):
    @staticmethod
    def start(
        login: str, password: str, prelogin: dict[str, Any], *, account_secret: AccountSecret | None = None
    ) -> Login:
        return driver.call(
            "Login.start", login=login, password=password, prelogin=prelogin, account_secret=account_secret
        )

    @staticmethod
    def resume(login: str, kept: bytes, prelogin: dict[str, Any]) -> Login:
        return driver.call("Login.resume", login=login, kept=kept, prelogin=prelogin)

    def proof(self) -> bytes:
        return self.call("Login.proof")

    def unlock(self, vault: bytes, seen: int = 0) -> Owner:
        return self.call("Login.unlock", vault=vault, seen=seen)


class WithText(Kept):
    def to_text(self) -> str:
        return self.fields["text"]


class AccountSecret(WithText):
    @staticmethod
    def parse(text: str) -> AccountSecret:
        return driver.call("AccountSecret.parse", text=text)


class RecoveryKey(WithText):
    @staticmethod
    def parse(text: str) -> RecoveryKey:
        return driver.call("RecoveryKey.parse", text=text)


class Backup(WithText):
    @staticmethod
    def parse(text: str) -> Backup:
        return driver.call("Backup.parse", text=text)

    def open_with_passphrase(self, passphrase: str) -> Restored:
        return self.call("Backup.open_with_passphrase", passphrase=passphrase)

    def open_with_recovery_key(self, key: RecoveryKey) -> Restored:
        return self.call("Backup.open_with_recovery_key", key=key)


TYPES: dict[str, type[Kept]] = {
    each.__name__: each
    for each in (
        AccountSecret,
        Agent,
        Archive,
        Backup,
        ComparisonRequest,
        Identity,
        Login,
        Owner,
        PendingAgent,
        RecoveryKey,
        Restored,
        VerifiedRequest,
    )
}


# Text


def find_tokens(text: str) -> list[tuple[int, int, str]]:
    """Counted in characters, as Python does, whatever the binding counts in."""
    reply = driver.call("find_tokens", text=text)
    encoding = {"characters": "utf-32-le", "utf-16": "utf-16-le", "bytes": "utf-8"}[reply["unit"]]
    unit = {"characters": 4, "utf-16": 2, "bytes": 1}[reply["unit"]]
    counted = text.encode(encoding)
    found = []
    for start, end, token in reply["found"]:
        try:
            before, upto = (len(counted[: at * unit].decode(encoding)) for at in (start, end))
        except UnicodeDecodeError as error:
            raise AssertionError(f"{start} to {end} is not between characters, in {reply['unit']}") from error
        found.append((before, upto, token))
    return found


def token_index(token: str) -> str:
    return driver.call("token_index", token=token)
