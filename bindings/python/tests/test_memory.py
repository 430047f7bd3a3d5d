"""Keys and revealed values leave the process's memory when this package says so; and no call leaves anything behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("reads /proc/self", allow_module_level=True)

TESTS = Path(__file__).parent
MASK = 93

# Needles lie in the process masked only, and what is read of its memory is masked before it is looked at. Masking twice
# does not unmask: where masked needles lie, masking what is read must not make them whole.
SEARCH = """
import ctypes, json, os, re, sys
sys.path.insert(0, sys.argv[1])
import blindtally as bt
given = json.loads(sys.argv[2])
MASK = 93
TABLE = bytes((byte + MASK) % 256 for byte in range(256))
libc = ctypes.CDLL(None)
libc.explicit_bzero.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
memory = os.open("/proc/self/mem", os.O_RDONLY)
page = bytearray(1 << 16)

def wipe(buffer):
    libc.explicit_bzero((ctypes.c_char * len(buffer)).from_buffer(buffer), len(buffer))

places = []
def found(names):
    places.clear()
    counts = {name: 0 for name in names}
    needles = {name: bytes.fromhex(given["needles"][name]) for name in names}
    for line in open("/proc/self/maps"):
        if " rw" not in line or "[v" in line:
            continue
        start, end = (int(at, 16) for at in line.split(" ")[0].split("-"))
        at, tail = start, b""
        while at < end:
            try:
                read = os.preadv(memory, [memoryview(page)[: min(len(page), end - at)]], at)
            except OSError:
                break
            if read <= 0:
                break
            masked = tail + page.translate(TABLE)[:read]
            for name, needle in needles.items():
                counts[name] += masked.count(needle)
                if needle in masked:
                    places.append((name, line.split()[-1], hex(at - len(tail) + masked.index(needle))))
            tail, at = masked[-31:], at + read
            wipe(page)
    return counts

def read(path):
    file = os.open(path, os.O_RDONLY)
    buffer = bytearray(os.fstat(file).st_size)
    os.preadv(file, [buffer], 0)
    os.close(file)
    # Masked in the file.
    for at in range(len(buffer)):
        buffer[at] = (buffer[at] - MASK) % 256
    return buffer

def expect_fewer(names, call):
    before = found(names)
    call()
    after = found(names)
    assert all(after[name] < before[name] for name in names), (before, after)

def expect(names, present):
    counts = found(names)
    wrong = [name for name in names if (counts[name] > 0) != present]
    assert not wrong, (wrong, places, "there" if present else "not there")
"""


def masked(data: bytes) -> str:
    return bytes((byte + MASK) % 256 for byte in data).hex()


def run(program: str, given: dict[str, Any]) -> None:
    command = [sys.executable, "-c", SEARCH + program, str(TESTS), json.dumps(given)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, "MALLOC_PERTURB_": "0"}
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


def file_of(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(bytes((byte + MASK) % 256 for byte in data))
    return str(folder / name)


@pytest.fixture(scope="module")
def world() -> Any:
    if sys.version_info < (3, 11):
        pytest.skip("the independent implementation needs Python 3.11")
    pytest.importorskip("cryptography")
    from vectors import world

    return world


def prime(private_key: Any) -> bytes:
    """The last 32 bytes of a prime as PKCS#8 has them, and as numbers are kept."""
    p = private_key.private_numbers().p
    return p.to_bytes((p.bit_length() + 7) // 8, "big")[-32:]


def secrets_of(private: Any, name: str) -> dict[str, bytes]:
    found = {}
    for use, key in (("encryption", private.decryption), ("signing", private.signer)):
        found[f"{name} {use} prime"] = prime(key)
        found[f"{name} {use} prime as a number"] = prime(key)[::-1]
    return found


# What ends an agent or an owner. Of primes a copy goes; crate `rsa` may leave others behind when it reads a key, as
# SECURITY.md says of dependencies.
ENDINGS = {
    "close": "def end(): held.close()",
    "with": "def end(): held.__enter__(); held.__exit__(None, None, None)",
    "del": "def end(): global held; del held",
    "a failed block": """
def end():
    try:
        with held:
            raise KeyError
    except KeyError:
        pass
""",
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
def test_keys_of_an_agent_are_gone_when_it_is_closed(world, tmp_path, end: str) -> None:
    theirs, master = world.theirs, world.theirs.MasterKey(os.urandom(16), 1, os.urandom(32))
    with world.agent(master, [(1, 0), (16, 0)]) as agent:
        state = bytes(agent.export_state(None))
    restored = theirs.Agent.restore(state)
    token_key = theirs.purpose(master.class_key(1), b"token", 0x11, 44)
    needles = {
        "class key": master.class_key(1),
        "record key": restored.keys[16],
        "queue key": restored.queue_key,
        "claim": restored.claim,
        **secrets_of(world.pair("device1"), "device"),
    }
    gone = {**needles, "token key": token_key[:32]}
    primes = [name for name in gone if name.endswith("as a number")]
    program = f"""
state = read(given["state"])
held = bt.Agent.from_state(state)
wipe(state)
tokens = held.tokenize_many(bt.TokenClass.APP, ["a", "b"])
record = held.seal_record(bt.RecordClass.KEYSTROKES, "x")
expect(given["there"], True)
{end}
expect_fewer(given["primes"], end)
expect([name for name in given["needles"] if name not in given["primes"]], False)
"""
    there = ["class key", "record key", "queue key", "claim", "device encryption prime as a number"]
    run(program, {"state": file_of(tmp_path, "state", state), "needles": hexed(gone), "there": there, "primes": primes})


def hexed(needles: dict[str, bytes]) -> dict[str, str]:
    return {name: masked(needle[:32]) for name, needle in needles.items()}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
def test_keys_of_an_owner_are_gone_when_it_is_closed(world, tmp_path, end: str) -> None:
    theirs, master = world.theirs, world.theirs.MasterKey(os.urandom(16), 1, os.urandom(32))
    keys = world.keyring(master)
    with world.owner(keys) as owner:
        backup, recovery_key = owner.backup_with_recovery_key()
    token = theirs.token_text(theirs.tokenize(master.class_key(1), master.account_id, 1, 1, b"winword.exe"))
    needles = {
        "MasterKey": master.key,
        "ticket root": keys.ticket_root,
        "class key": master.class_key(1),
        **secrets_of(world.pair("account"), "account"),
    }
    program = f"""
text = read(given["key"])
held = bt.Backup.parse(given["backup"]).open_with_recovery_key(bt.RecoveryKey.parse(text))
assert held.reveal_many([given["token"]]) == ["winword.exe"]
expect(given["there"], True)
{end}
expect_fewer(given["primes"], end)
expect([name for name in given["needles"] if name not in given["primes"]], False)
"""
    given = {"backup": backup.to_text(), "token": token, "needles": hexed(needles)}
    given |= {"key": file_of(tmp_path, "key", recovery_key.to_text().encode())}
    given |= {"primes": [name for name in needles if name.endswith("as a number")]}
    given |= {"there": ["MasterKey", "ticket root", "account encryption prime as a number"]}
    run(program, given)


def test_an_identity_is_gone_when_it_is_dropped_or_used_up(world, tmp_path) -> None:
    pair = world.pair("device1")
    files = [file_of(tmp_path, f"key{at}", key) for at, key in enumerate(pair.pkcs8)]
    program = """
def made():
    keys = [read(path) for path in given["keys"]]
    identity = bt.Identity.from_pkcs8(*keys)
    for key in keys:
        wipe(key)
    return identity
def drop():
    global identity
    del identity
identity = made()
expect(given["there"], True)
expect_fewer(given["there"], drop)
pending, request = bt.Agent.enroll_by_code(given["code"], identity=made())
expect(given["there"], True)
expect_fewer(given["there"], pending.close)
"""
    with world.owner(world.keyring(world.theirs.MasterKey(bytes(16), 1, os.urandom(32)))) as owner:
        code = owner.account_code
    there = ["device encryption prime as a number", "device signing prime as a number"]
    run(program, {"keys": files, "needles": hexed(secrets_of(pair, "device")), "there": there, "code": code})


def test_revealed_values_of_a_batch_stay_only_in_what_python_was_given(world, tmp_path) -> None:
    """Python's own strings are not wiped when they are dropped, by anyone: their memory is used again, sooner or later.

    So this looks for the end of a value of which the strings that came out are overwritten here, as no program should.
    """
    theirs, master = world.theirs, world.theirs.MasterKey(os.urandom(16), 1, os.urandom(32))
    values = [os.urandom(8).hex() * 4 for _ in range(300)]
    tokens = [theirs.tokenize(master.class_key(2), master.account_id, 2, 1, value.encode()) for value in values]
    with world.owner(world.keyring(master)) as owner:
        backup, recovery_key = owner.backup_with_recovery_key()
    picked = [0, 150, 299]
    needles = {f"value {at}": values[at].encode()[-32:] for at in picked}
    program = """
held = bt.Backup.parse(given["backup"]).open_with_recovery_key(bt.RecoveryKey.parse(given["key"]))
names = list(given["needles"])
expect(names, False)
def check(reveal):
    values = reveal(given["tokens"])
    expect(names, True)
    for value in values:
        address, size = id(value), sys.getsizeof(value)
        # A compact ASCII string ends in its characters and a zero.
        libc.explicit_bzero(address + size - 1 - len(value), len(value))
    del value, values
    expect(names, False)
for _ in range(2):
    check(held.reveal_many)
    check(lambda tokens: held.reveal_many(tokens, errors="return"))
    check(lambda tokens: [held.reveal(token) for token in tokens])
    check(lambda tokens: [held.reveal_text(token) for token in tokens])
try:
    held.reveal_many([*given["tokens"], "no token"])
except bt.RevealError as refused:
    assert refused.index == 300
held.close()
"""
    given = {"backup": backup.to_text(), "key": recovery_key.to_text(), "needles": hexed(needles)}
    run(program, {**given, "tokens": [theirs.token_text(token) for token in tokens]})


LEAKS = """
import gc, sys
sys.path.insert(0, sys.argv[1])
import blindtally as bt
from accounts import CHEAP, NOW, enrolling, identity, new_owner
from damage import flipped
owner, change = new_owner()
pending, request = enrolling(owner)
agent = pending.accept(owner.approve(owner.inspect(request, now=NOW), now=NOW).committed().delivery)
TITLE = bt.TokenClass.TITLE
values = [f"window {number}" * 9 for number in range(40)]
tokens = agent.tokenize_many(TITLE, values)
record = agent.seal_record(bt.RecordClass.CHAT, "hello" * 50)
damaged = [*tokens[:5], flipped(tokens[5]), *tokens[6:]]
vault, delivery = change.vault, owner.redeliver(owner.devices[0].id, now=NOW).committed().delivery
state = bytes(agent.export_state(bytes(32)))

def refused(call):
    def run():
        try:
            call()
        except (bt.BlindtallyError, TypeError):
            return
        raise AssertionError("not refused")
    return run

class Fails:
    def __iter__(self):
        raise TypeError

def stopped():
    yield "a"
    raise TypeError

calls = {
    "tokenize": lambda: agent.tokenize(TITLE, values[0]),
    "tokenize list": lambda: agent.tokenize_many(TITLE, values),
    "tokenize generator": lambda: agent.tokenize_many(TITLE, (value for value in values)),
    "reveal": lambda: owner.reveal(tokens[0]),
    "reveal list": lambda: owner.reveal_many(tokens),
    "reveal damaged": refused(lambda: owner.reveal_many(damaged)),
    "reveal damaged, returned": lambda: owner.reveal_many([*damaged, None, b"x", "\\ud800"], errors="return"),
    "reveal damaged, null": lambda: owner.reveal_many(damaged, errors="null"),
    "reveal text": lambda: owner.reveal_text(" ".join(tokens)),
    "find tokens": lambda: bt.find_tokens(" ".join(tokens)),
    "seal record": lambda: agent.seal_record(bt.RecordClass.CHAT, values[0], 5),
    "open records": lambda: owner.open_records([record, record]),
    "wrong type": refused(lambda: agent.tokenize(TITLE, 7)),
    "wrong class": refused(lambda: agent.tokenize(7, "a")),
    "surrogate": refused(lambda: agent.tokenize(TITLE, "\\ud800" * 99)),
    "no list": refused(lambda: agent.tokenize_many(TITLE, 7)),
    "iterator that fails": refused(lambda: agent.tokenize_many(TITLE, Fails())),
    "generator that fails": refused(lambda: agent.tokenize_many(TITLE, stopped())),
    "devices and policy": lambda: (owner.devices, owner.policy.classes, owner.policy.signed, agent.policy),
    "reprs": lambda: (repr(owner), repr(agent), repr(owner.devices), repr(owner.prelogin)),
    "ticket": lambda: bt.Ticket.parse(owner.issue_ticket(now=NOW).to_text()).expiry,
    "token index": lambda: bt.token_index(tokens[0]),
    "malformed": refused(lambda: bt.Backup.parse("no backup" * 99)),
    "export": lambda: agent.export_state(bytes(32)),
    "unchanged delivery": lambda: agent.accept(delivery),
    "error codes": bt.error_codes,
}
try:
    import pyarrow as pa
    column, sealed, wrong = pa.array(values), pa.array(tokens), pa.array(damaged)
    agent.tokenize_many(TITLE, column)
    chunked = pa.chunked_array([tokens[:7], tokens[7:]])
    numbers = pa.array([1, 2])
    calls |= {
        "tokenize column": lambda: agent.tokenize_many(TITLE, column),
        "reveal column": lambda: owner.reveal_many(sealed),
        "reveal chunks": lambda: owner.reveal_many(chunked).to_list(),
        "reveal dictionary": lambda: pa.array(owner.reveal_many(sealed.dictionary_encode())),
        "reveal damaged column": refused(lambda: owner.reveal_many(wrong)),
        "column of numbers": refused(lambda: owner.reveal_many(numbers)),
    }
except (ImportError, bt.BlindtallyError, AttributeError):
    pass
slow = {
    "agent": lambda: bt.Agent.from_state(state, bytes(32)).close(),
    "agent, dropped": lambda: bt.Agent.from_state(state, bytes(32)),
    "identity": lambda: identity("device1"),
}

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def check(name, call, rounds):
    for _ in range(rounds // 4):
        call()
    before = resident()
    for _ in range(rounds):
        call()
    grown = resident() - before
    assert grown < 1 << 20, f"{name} grew by {grown} bytes"

for name, call in calls.items():
    check(name, call, 2000)
for name, call in slow.items():
    check(name, call, 60)
"""


def test_no_call_leaves_memory_behind() -> None:
    command = [sys.executable, "-c", LEAKS, str(TESTS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]


def test_references_to_what_is_given_are_given_back(ends) -> None:
    import blindtally as bt

    title = bt.TokenClass(2)
    values = [f"a value {number}" for number in range(50)]
    tokens = ends.agent.tokenize_many(title, values)
    mode = "".join(["re", "turn"])
    odd = ["a", None, b"bytes", "\ud800" + "x", "x" * 5000, object()]
    state, key = bytes(ends.agent.export_state(bytes(32))), bytes(bytearray(32))
    calls = [
        lambda: ends.agent.tokenize_many(title, values),
        lambda: ends.agent.tokenize_many(title, iter(values)),
        lambda: ends.owner.reveal_many(tokens),
        lambda: ends.agent.tokenize_many(title, odd, errors=mode),
        lambda: ends.agent.tokenize_many(title, odd),
        lambda: ends.owner.reveal_many(values),
        lambda: ends.owner.open_records(values, errors=mode),
        lambda: ends.agent.tokenize(title, values[0]),
        lambda: ends.agent.tokenize(values, title),
        lambda: bt.Agent.from_state(state, key),
        lambda: bt.Agent.from_state(state, values),
        lambda: ends.agent.seal_record(title, values[0]),
    ]
    watched = [title, values, tokens, odd, mode, state, key, ends.agent, ends.owner, *values, *tokens, *odd[2:]]
    for call in calls:
        before = [sys.getrefcount(one) for one in watched]
        for _ in range(10):
            try:
                call()
            except (bt.BlindtallyError, TypeError):
                pass
        after = [sys.getrefcount(one) for one in watched]
        assert after == before
