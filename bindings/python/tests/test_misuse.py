"""Whatever is passed to whatever there is, an exception with a code comes out, and nothing with keys can be copied.

The calls are made from the stub, so that new functions are tried too; a new class needs an example in `EXAMPLES`.
"""

from __future__ import annotations

import ast
import copy
import inspect
import io
import pickle
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest
from accounts import CHEAP, LATER, LOGIN, NOW, PASSWORD, identity, new_owner

import blindtally as bt

STUB = ast.parse((Path(bt.__file__).parent / "_blindtally.pyi").read_text(encoding="utf-8"))


class Argument(NamedTuple):
    name: str
    annotation: str
    is_named: bool
    has_default: bool


class Function(NamedTuple):
    """A callable of the stub; `owner` is its class, if any."""

    owner: str | None
    name: str
    arguments: list[Argument]
    is_static: bool
    is_property: bool

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


def decorators(node: Any) -> set[str]:
    return {ast.unparse(decorator) for decorator in node.decorator_list}


def functions_of(body: list[Any], owner: str | None) -> Iterator[Function]:
    found: dict[str, Function] = {}
    for node in body:
        if not isinstance(node, ast.FunctionDef):
            continue
        given = node.args
        positional = [*given.posonlyargs, *given.args]
        defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
        arguments = [
            Argument(a.arg, ast.unparse(a.annotation), False, d is not None)
            for a, d in zip(positional, defaults)
            if a.annotation
        ]
        arguments += [
            Argument(a.arg, ast.unparse(a.annotation), True, d is not None)
            for a, d in zip(given.kwonlyargs, given.kw_defaults)
            if a.annotation
        ]
        if node.name in found:
            # A further overload takes further types.
            before = found[node.name].arguments
            arguments = [
                one._replace(annotation=f"{one.annotation} | {other.annotation}")
                for one, other in zip(before, arguments)
            ]
        marks = decorators(node)
        is_static = "staticmethod" in marks or node.name == "__new__"
        found[node.name] = Function(owner, node.name, arguments, is_static, "property" in marks)
    yield from found.values()


CLASSES = {
    node.name: node
    for node in STUB.body
    if isinstance(node, ast.ClassDef) and "Protocol" not in {ast.unparse(base) for base in node.bases}
}
FUNCTIONS = [*functions_of(STUB.body, None)]
for name, node in CLASSES.items():
    FUNCTIONS += functions_of(node.body, name)


def is_there(function: Function) -> bool:
    holder = getattr(bt, function.owner, None) if function.owner else bt
    return hasattr(holder, function.name)


TRIED = [
    function
    for function in FUNCTIONS
    if is_there(function)
    and not function.is_property
    and (function.name == "__new__" or not function.name.startswith("_"))
]


class World(NamedTuple):
    """One of everything, by the name of its class; and what must not be seen."""

    of: dict[str, Any]
    secrets: list[str]


@pytest.fixture(scope="module")
def world() -> World:
    owner, change = new_owner()
    ticket = owner.issue_ticket(now=NOW)
    pending, request = bt.Agent.enroll(ticket, "laptop", identity=identity("device1"))
    verified = owner.inspect(request, now=NOW)
    outbox = owner.approve(owner.inspect(request, now=NOW), now=NOW).committed()
    agent = pending.accept(outbox.delivery)
    backup, recovery_key = owner.backup_with_recovery_key()
    _, by_code = bt.Agent.enroll_by_code(owner.account_code, identity=identity("device2"))
    secret = bt.AccountSecret.parse(recovery_key.to_text())
    login = bt.Login.resume(LOGIN, owner.keep_unlocked(), owner.prelogin)
    record = owner.open_record(agent.seal_record(bt.RecordClass.CHAT, "a secret message", 5))
    changed = owner.change_password(PASSWORD, kdf=CHEAP)
    examples = [
        owner,
        change,
        ticket,
        pending,
        verified,
        outbox,
        agent,
        agent.status,
        backup,
        recovery_key,
        secret,
        login,
    ]
    examples += [record, owner.inspect(by_code, now=NOW), backup.open_with_recovery_key(recovery_key), owner.policy]
    examples += [owner.prelogin, owner.prelogin.kdf, owner.devices[0], identity("device2"), changed]
    examples += [bt.TokenClass.APP, bt.RecordClass.CHAT, bt.BlobClass.VOICE]
    of = {type(example).__name__: example for example in examples}
    of["OpeningKeys"] = owner
    try:
        import pyarrow

        of["Column"] = agent.tokenize_many(bt.TokenClass.APP, pyarrow.array(["a", None]))
    except (ImportError, bt.BlindtallyError):
        pass
    of["BlobHeader"] = owner.blob_reader(io.BytesIO(agent.seal_blob(bt.BlobClass.VOICE, b"a", 5))).header
    written = io.BytesIO()
    with owner.archive_writer(written, now=NOW) as writer:
        writer.add("a.txt", b"content", NOW)
        writer.finish()
    of["ArchiveWriter"] = owner.archive_writer(io.BytesIO(), now=NOW)
    of["Archive"] = owner.open_archive(io.BytesIO(written.getvalue()))
    of["ArchivedFile"] = of["Archive"].files[0]
    raw = [agent.claim(), owner.login_proof(), owner.keep_unlocked(), owner.recovery_proof(), agent.export_state(None)]
    raw += [login.proof(), changed.old_proof(), changed.new_proof(), pending.export_state(None)]
    secrets = [PASSWORD, "a secret message", ticket.to_text()[-40:], recovery_key.to_text()]
    # The beginnings of states and kept logins say what they are of.
    secrets += [shown for data in raw for shown in (bytes(data[-40:-8]).hex(), repr(bytes(data[-40:-8]))[2:-1])]
    return World(of, secrets)


def test_there_is_an_example_of_every_class_of_the_stub(world) -> None:
    missing = [name for name in CLASSES if hasattr(bt, name) and name not in world.of]
    assert missing in ([], ["Column"])


# What a call is given in place of one argument.
WRONG: list[Any] = [
    None,
    b"bytes",
    7,
    -1,
    1 << 100,
    1.5,
    float("nan"),
    object(),
    "",
    "\ud800",
    [],
    {},
    bt.Kdf.pbkdf2(),
    int,
]
WRONG += [datetime(2026, 1, 1), timedelta(1), lambda: None, bytearray(b"x"), memoryview(b"x")]

TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "bool": bool,
    "None": type(None),
    "bytes": bytes,
    "BytesLike": (bytes, bytearray, memoryview),
    "SecretText": (str, bytes, bytearray),
    "CanonicalForm": str,
    "datetime": datetime,
    "timedelta": timedelta,
}
# Of these, what is taken is decided by what an object does, not by what it is.
BY_DEED = ("Iterable", "list", "tuple", "Arrow", "Any", "object", "type", "Sequence")
BY_DEED += ("ReadableFile", "SeekableFile", "WritableFile")


def takes(annotation: str, value: object) -> bool | None:
    """Whether values of that type are taken there; None if that depends on the value."""
    unclear = False
    for part in (part.strip() for part in ast.unparse(ast.parse(annotation)).split(" | ")):
        if part.startswith(("Literal", "'", '"')):
            kind: Any = str if "'" in part else int
        else:
            kind = TYPES.get(part) or getattr(bt, part, None)
        if kind is None or part.startswith(BY_DEED):
            unclear = True
        elif isinstance(value, kind):
            return True
    return None if unclear else False


def example_of(argument: Argument, world: World) -> Any:
    by_name = {
        "login": LOGIN,
        "password": PASSWORD,
        "passphrase": PASSWORD,
        "now": LATER,
        "name": "laptop",
        "code_shown": "0" * 24,
        "account": world.of["Agent"].account,
        "salt": bytes(16),
        "wrapping_key": bytes(32),
        "lifetime": timedelta(hours=1),
        "form": "exact",
        "errors": "raise",
        "iterations": 600_000,
        "bits": 2048,
        "id": 16,
        "content": b"x",
        "rotate": True,
    }
    if argument.name in by_name:
        return by_name[argument.name]
    if "File" in argument.annotation:
        return io.BytesIO()
    for part in argument.annotation.split(" | "):
        if part in world.of:
            return world.of[part]
    first = argument.annotation.split(" | ")[0]
    examples = {"str": "a", "int": 1, "BytesLike": b"x", "SecretText": "a", "datetime": NOW}
    return examples.get(first, ["a"])


def callable_of(function: Function, world: World) -> Callable[..., Any]:
    if function.owner is None:
        return getattr(bt, function.name)
    if function.name == "__new__":
        return getattr(bt, function.owner)
    return getattr(getattr(bt, function.owner) if function.is_static else world.of[function.owner], function.name)


def call(function: Function, world: World, values: dict[str, Any]) -> Any:
    positional = [values[argument.name] for argument in function.arguments if not argument.is_named]
    named = {argument.name: values[argument.name] for argument in function.arguments if argument.is_named}
    return callable_of(function, world)(*positional, **named)


WITH_ARGUMENTS = [function for function in TRIED if function.arguments]


@pytest.mark.parametrize("function", WITH_ARGUMENTS, ids=str)
def test_an_argument_of_a_wrong_type_is_refused_with_a_code(world, function) -> None:
    if function.owner and not function.is_static and function.owner not in world.of:
        pytest.skip("needs pyarrow")
    for argument in function.arguments:
        for value in WRONG:
            taken = takes(argument.annotation, value)
            # What is of the right type is tried only where it is refused for its content.
            if taken and not (value == "" or value == "\ud800" or value in (-1, 1 << 100)):
                continue
            values = {other.name: example_of(other, world) for other in function.arguments}
            values[argument.name] = value
            shown = f"{function}({argument.name}={value!r})"
            try:
                call(function, world, values)
                assert taken is not False, f"{shown} is taken"
            except bt.BlindtallyError as refused:
                assert refused.code in bt.error_codes(), shown
                if taken is False:
                    assert refused.code == "python.type", f"{shown}: {refused.code}"
                    assert isinstance(refused, TypeError)
                if value == "\ud800" and taken:
                    assert refused.code in ("python.surrogate", "python.value"), f"{shown}: {refused.code}"


@pytest.mark.parametrize("function", TRIED, ids=str)
def test_missing_and_unknown_arguments_are_type_errors(world, function) -> None:
    if function.owner and not function.is_static and function.owner not in world.of:
        pytest.skip("needs pyarrow")
    with pytest.raises(TypeError):
        callable_of(function, world)(*[None] * 20)
    with pytest.raises(TypeError):
        callable_of(function, world)(no_such_argument=1)
    if any(not argument.has_default for argument in function.arguments):
        with pytest.raises(TypeError):
            callable_of(function, world)()


@pytest.mark.parametrize("function", WITH_ARGUMENTS, ids=str)
def test_arguments_are_called_as_the_stub_says(function) -> None:
    if function.name == "__new__" and sys.version_info < (3, 10):
        pytest.skip("this Python knows no signature of such a class")
    holder = getattr(bt, function.owner) if function.owner else bt
    found = holder if function.name == "__new__" else getattr(holder, function.name)
    names = [name for name in inspect.signature(found).parameters if name != "self"]
    assert names == [argument.name for argument in function.arguments]


def closed(name: str, world: World) -> Any:
    """A copy of what can be closed, closed."""
    owner, agent, pending = (world.of[of] for of in ("Owner", "Agent", "PendingAgent"))
    if name == "Agent":
        made = bt.Agent.from_state(agent.export_state(None))
    elif name == "PendingAgent":
        made = bt.load_agent(pending.export_state(None))
    else:
        login = bt.Login.resume(LOGIN, owner.keep_unlocked(), owner.prelogin)
        backup, key = owner.backup_with_recovery_key()
        made = {
            "Login": lambda: login,
            "Owner": lambda: login.unlock(world.of["PasswordChange"].change.vault),
            "Restored": lambda: backup.open_with_recovery_key(key),
        }[name]()
    made.close()
    made.close()
    return made


@pytest.mark.parametrize("name", ["Agent", "PendingAgent", "Owner", "Restored", "Login"])
def test_what_is_closed_says_so_whatever_is_called(world, name) -> None:
    held = closed(name, world)
    owners = {name, "OpeningKeys"} if name in ("Owner", "Restored") else {name}
    for function in FUNCTIONS:
        if function.owner not in owners or function.is_static or not is_there(function):
            continue
        if function.name.startswith("_") or function.name == "close":
            continue
        values = {argument.name: example_of(argument, world) for argument in function.arguments}
        # Refused before anything is looked at, or because it is closed.
        values.update({"device": "0" * 32, "ticket": "0" * 32, "token": a_token(world), "record": a_record(world)})
        sealed = world.of["Agent"].seal_blob(bt.BlobClass.VOICE, b"a", 5)
        values.update({"blob": sealed, "file": io.BytesIO(sealed)})
        values.update({"request": world.of["VerifiedRequest"] if function.name == "approve" else b"x"})
        with pytest.raises(bt.ClosedError) as refused:
            if function.is_property:
                getattr(held, function.name)
            else:
                call(function, World({**world.of, function.owner: held}, []), values)
        assert refused.value.code == "python.closed", function
    with pytest.raises(bt.ClosedError):
        held.__enter__()
    held.__exit__(None, None, None)
    assert repr(held) == f"{name}(closed)"


def a_token(world: World) -> str:
    return world.of["Agent"].tokenize(bt.TokenClass.APP, "a")


def a_record(world: World) -> str:
    return world.of["PendingAgent"].queue(bt.TokenClass.APP, "a", 5)


def test_nothing_secret_is_shown_by_itself(world) -> None:
    for name, held in world.of.items():
        shown = [repr(held), str(held), f"{held}", repr(getattr(held, "__dict__", None)), ascii(held)]
        if name != "OpenedRecord":
            properties = [f.name for f in FUNCTIONS if f.owner == name and f.is_property and is_there(f)]
            shown += [repr(getattr(held, one)) for one in properties]
        for secret in world.secrets:
            assert not any(secret in text for text in shown), name


COPIED = {"TokenClass", "RecordClass", "BlobClass"}


def test_only_classes_can_be_pickled_and_copied(world) -> None:
    for name, held in world.of.items():
        ways = [copy.copy, copy.deepcopy, *(lambda one, v=v: pickle.loads(pickle.dumps(one, v)) for v in range(2, 6))]
        for way in ways:
            if name in COPIED:
                assert way(held) == held and hash(way(held)) == hash(held)
            else:
                with pytest.raises(TypeError):
                    way(held)


def test_handles_take_no_attributes_and_no_subclasses(world) -> None:
    for name, held in world.of.items():
        with pytest.raises(AttributeError):
            held.another = 1
        if name != "OpeningKeys":
            with pytest.raises(TypeError):
                type("Mine", (type(held),), {})
        # Made only by what makes them.
        if name not in COPIED | {"Prelogin"}:
            with pytest.raises(TypeError):
                type(held)()


def test_nothing_is_equal_to_what_it_is_not(world) -> None:
    for held in world.of.values():
        for other in (None, 7, "text", object(), b""):
            assert (held == other) is False and (held != other) is True
        assert held == held


def test_everything_public_is_there_and_says_what_it_does() -> None:
    assert sorted(set(bt.__all__)) == sorted(bt.__all__)
    assert bt.__doc__
    for name in bt.__all__:
        public = getattr(bt, name)
        assert inspect.getdoc(public), name
    # What others add in Python speaks for itself; this is what the stub lists.
    for name in CLASSES:
        assert hasattr(bt, name) == (name in bt.__all__), name
    for function in FUNCTIONS:
        if is_there(function) and not function.name.startswith("_"):
            holder = getattr(bt, function.owner) if function.owner else bt
            assert getattr(holder, function.name).__doc__, function


ERRORS = [found for found in vars(bt.errors).values() if isinstance(found, type) and issubclass(found, BaseException)]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_errors_keep_their_code_and_index_when_pickled(kind) -> None:
    assert kind.__name__ in bt.__all__ and issubclass(kind, bt.BlindtallyError)
    for index in (None, 0, 7):
        error = kind("reveal.tampered", "it was changed", index)
        for again in (
            copy.copy(error),
            copy.deepcopy(error),
            *(pickle.loads(pickle.dumps(error, v)) for v in range(6)),
        ):
            assert type(again) is kind
            assert (again.code, again.index, str(again)) == (error.code, error.index, str(error))


def provoked(world: World) -> dict[str, tuple[type, Callable[[], object]]]:
    owner, agent, pending, ticket = (world.of[name] for name in ("Owner", "Agent", "PendingAgent", "Ticket"))
    backup, token, app = world.of["Backup"], a_token(world), bt.TokenClass.APP
    state = bytes(agent.export_state(None))
    delivery = owner.redeliver(agent.device_id, now=NOW).committed().delivery
    weak = bt.Kdf.pbkdf2(1)
    prelogin = bt.Prelogin(kdf=weak, salt=bytes(16), account=agent.account)

    def old_delivery() -> None:
        copied = bt.Agent.from_state(state)
        copied.accept(owner.redeliver(agent.device_id, now=LATER).committed().delivery)
        copied.accept(delivery)

    def cancelled() -> object:
        other = owner.issue_ticket(now=NOW)
        _, request = bt.Agent.enroll(other, "x", identity=identity("device2"))
        owner.cancel_ticket(other.id, now=NOW)
        return owner.inspect(request, now=NOW)

    return {
        "python.type": (bt.ArgumentTypeError, lambda: bt.token_index(7)),
        "python.value": (bt.ArgumentValueError, lambda: bt.Identity.generate(7)),
        "python.surrogate": (bt.ArgumentValueError, lambda: bt.find_tokens("\ud800")),
        "python.closed": (bt.ClosedError, lambda: closed("Agent", world).device_id),
        "malformed.encoding": (bt.MalformedError, lambda: bt.Agent.enroll_by_code("x")),
        "malformed.checksum": (bt.MalformedError, lambda: bt.Ticket.parse(ticket.to_text()[:-2] + "AA")),
        "malformed.magic": (bt.MalformedError, lambda: bt.Backup.parse("x")),
        "login.invalid": (bt.CredentialError, lambda: bt.normal_login_name(" x")),
        "password.invalid": (bt.CredentialError, lambda: bt.Login.start("x", "", owner.prelogin)),
        "kdf.below-floor": (bt.CredentialError, lambda: bt.Login.start("x", "x", prelogin)),
        "recovery-key.invalid": (bt.CredentialError, lambda: bt.RecoveryKey.parse("x")),
        "unlock.needs-recovery-key": (bt.UnlockError, lambda: backup.open_with_passphrase("x")),
        "unlock.wrong": (
            bt.UnlockError,
            lambda: backup.open_with_recovery_key(owner.backup_with_recovery_key()[1]),
        ),
        "unlock.kept-login": (bt.UnlockError, lambda: bt.Login.resume("x", owner.keep_unlocked(), owner.prelogin)),
        "owner.unknown-device": (bt.OwnerError, lambda: owner.redeliver("0" * 32)),
        "ticket.lifetime": (bt.OwnerError, lambda: owner.issue_ticket(1, timedelta(31))),
        "enrollment.name": (bt.EnrollmentError, lambda: bt.Agent.enroll(ticket, "", identity=identity("device2"))),
        "enrollment.code": (bt.EnrollmentError, lambda: world.of["ComparisonRequest"].confirm("0" * 24, "x")),
        "ticket.cancelled": (bt.EnrollmentError, cancelled),
        "accept.stale": (bt.AcceptError, old_delivery),
        "state.not-wrapped": (bt.StateError, lambda: bt.load_agent(state, bytes(32))),
        "state.phase": (bt.StateError, lambda: bt.Agent.from_state(pending.export_state(None))),
        "tokenize.too-long": (bt.TokenizeError, lambda: agent.tokenize(app, "x" * 4097)),
        "tokenize.no-key": (bt.TokenizeError, lambda: agent.tokenize(bt.TokenClass(150), "x")),
        "reveal.tampered": (bt.RevealError, lambda: owner.reveal(token[:-2] + ("AA" if token[-2:] != "AA" else "BA"))),
        "record.no-key": (bt.RecordError, lambda: agent.seal_record(bt.RecordClass(200), "x")),
        "record.too-long": (bt.RecordError, lambda: agent.seal_record(bt.RecordClass.CHAT, "x" * ((1 << 20) + 1))),
    }


def test_a_code_comes_with_its_class_and_sentence(world) -> None:
    codes = bt.error_codes()
    wrong = []
    for code, (kind, provoke) in provoked(world).items():
        try:
            provoke()
            wrong.append(f"{code}: nothing is raised")
        except bt.BlindtallyError as refused:
            if (type(refused), refused.code) != (kind, code):
                wrong.append(f"{code}: {type(refused).__name__} {refused.code}")
            elif code not in ("python.value",) and refused.args != (codes[code],):
                wrong.append(f"{code}: {refused.args} is not {codes[code]!r}")
    assert not wrong


def test_codes_are_words_and_each_has_a_sentence() -> None:
    codes = bt.error_codes()
    assert len(codes) > 40 and all(part for code in codes for part in code.split("."))
    assert all(text and text == text.strip() for text in codes.values())
    codes["python.type"] = "changed"
    assert bt.error_codes()["python.type"] != "changed"
