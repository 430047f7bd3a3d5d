"""Threads share agents and owners, run while the core works, and may be anywhere when something closes or ends."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accounts import CHEAP, LOGIN, NOW, PASSWORD, enrolling, identity, new_owner

import blindtally as bt
from blindtally import TokenClass

TITLE = TokenClass.TITLE
VALUES = [f"window {number} of a program" for number in range(2000)]


def runs_others(call: Callable[[], object], rounds: int) -> bool:
    """Whether another thread gets to run during one of so many calls.

    The interpreter is told never to switch threads by itself, so a call that holds on to it lets nobody run, however
    often it is made.
    """
    go, ran = threading.Event(), []

    def other() -> None:
        go.wait()
        ran.append(True)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        thread = threading.Thread(target=other)
        thread.start()
        go.set()
        # The other is awake now or soon, and needs the interpreter.
        for _ in range(rounds):
            call()
            if ran:
                break
        found = bool(ran)
    finally:
        sys.setswitchinterval(before)
    thread.join()
    return found


def test_a_call_that_holds_the_interpreter_lets_no_other_thread_run(ends) -> None:
    """What the tests below rely on: a small batch is worked on without letting go."""
    assert not runs_others(lambda: ends.agent.tokenize_many(TITLE, ["short"]), 20_000)
    assert not runs_others(lambda: sum(range(1000)), 20_000)


def test_other_threads_run_during_big_batches(ends) -> None:
    tokens = ends.agent.tokenize_many(TITLE, VALUES)
    assert runs_others(lambda: ends.agent.tokenize_many(TITLE, VALUES), 1000)
    assert runs_others(lambda: ends.owner.reveal_many(tokens), 1000)
    records = [ends.agent.seal_record(bt.RecordClass.CHAT, "hello" * 100) for _ in range(200)]
    assert runs_others(lambda: ends.owner.open_records(records), 1000)
    assert runs_others(lambda: ends.owner.reveal_text(" ".join(tokens)), 1000)


def test_other_threads_run_during_columns(ends) -> None:
    pa = pytest.importorskip("pyarrow")
    if not hasattr(pa.Array, "__arrow_c_array__"):
        pytest.skip("this pyarrow has no PyCapsule interface")
    values = pa.array(VALUES)
    tokens = ends.agent.tokenize_many(TITLE, values)
    assert runs_others(lambda: ends.agent.tokenize_many(TITLE, values), 1000)
    assert runs_others(lambda: ends.owner.reveal_many(tokens), 1000)


def test_a_stream_may_wait_for_another_thread(ends) -> None:
    pa = pytest.importorskip("pyarrow")
    if not hasattr(pa.RecordBatchReader, "__arrow_c_stream__"):
        pytest.skip("this pyarrow has no PyCapsule interface")
    asked, answered = threading.Event(), threading.Event()

    def answer() -> None:
        asked.wait()
        answered.set()

    def batches() -> Any:
        asked.set()
        assert answered.wait(60)
        yield pa.record_batch([pa.array(["a"])], names=["title"])

    thread = threading.Thread(target=answer)
    thread.start()
    reader = pa.RecordBatchReader.from_batches(pa.schema([("title", pa.string())]), batches())
    assert ends.agent.tokenize_many(TITLE, reader).to_list() == [ends.agent.tokenize(TITLE, "a")]
    thread.join()


def test_other_threads_run_while_passwords_are_stretched_and_keys_made() -> None:
    assert runs_others(lambda: bt.Identity.generate(2048), 5)
    owner, change = new_owner()
    prelogin = owner.prelogin
    assert runs_others(lambda: bt.Login.start(LOGIN, PASSWORD, prelogin), 5)
    assert runs_others(lambda: owner.backup_with_passphrase(PASSWORD, kdf=CHEAP), 5)
    assert runs_others(lambda: owner.change_password(PASSWORD, kdf=CHEAP), 5)
    backup = owner.backup_with_passphrase(PASSWORD, kdf=CHEAP)
    assert runs_others(lambda: backup.open_with_passphrase(PASSWORD), 5)
    assert runs_others(new_owner, 5)


def test_other_threads_run_during_rsa() -> None:
    owner, _ = new_owner()
    pending, request = enrolling(owner)
    assert runs_others(lambda: enrolling(owner, "device2"), 50)
    assert runs_others(lambda: owner.inspect(request, now=NOW), 1000)
    delivery = owner.approve(owner.inspect(request, now=NOW), now=NOW).committed().delivery
    assert runs_others(lambda: pending.accept(delivery), 50)
    assert runs_others(lambda: identity("device1"), 50)
    assert runs_others(lambda: owner.rotate(now=NOW), 50)


def together(*works: Callable[[], None]) -> None:
    """Runs them at once; what one raises is raised."""
    start, failures = threading.Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def copy_of(agent: bt.Agent) -> bt.Agent:
    return bt.Agent.from_state(agent.export_state(None))


def owner_again() -> tuple[bt.Restored, bt.Agent, list[str]]:
    owner, _ = new_owner()
    pending, request = enrolling(owner)
    agent = pending.accept(owner.approve(owner.inspect(request, now=NOW), now=NOW).committed().delivery)
    return owner, agent, agent.tokenize_many(TITLE, VALUES)


def test_many_threads_on_one_agent_and_owner_get_what_one_gets(ends) -> None:
    values = VALUES[:300]
    tokens = ends.agent.tokenize_many(TITLE, values)

    def work() -> None:
        for at in range(30):
            assert ends.agent.tokenize_many(TITLE, values) == tokens
            assert ends.owner.reveal_many(tokens) == values
            assert ends.owner.reveal(tokens[at]) == values[at]
            assert ends.agent.tokenize(TITLE, values[at]) == tokens[at]

    together(*[work] * 8)


@pytest.mark.parametrize("finish", ["close", "with"])
def test_closing_gives_threads_at_work_a_right_result_or_says_that_it_is_closed(finish: str) -> None:
    owner, agent, tokens = owner_again()
    working = threading.Barrier(7)
    calls: list[tuple[Callable[[], object], object]] = [
        (lambda: agent.tokenize_many(TITLE, VALUES), tokens),
        (lambda: agent.tokenize(TITLE, VALUES[0]), tokens[0]),
        (lambda: owner.reveal_many(tokens), VALUES),
        (lambda: owner.reveal(tokens[0]), VALUES[0]),
        (lambda: owner.reveal_text(tokens[0]), VALUES[0]),
        (lambda: agent.device_id, agent.device_id),
    ]

    def worker(call: Callable[[], object], expected: object) -> Callable[[], None]:
        def work() -> None:
            assert call() == expected
            working.wait()
            with pytest.raises(bt.ClosedError) as closed:
                while True:
                    assert call() == expected
            assert closed.value.code == "python.closed"

        return work

    def close() -> None:
        working.wait()
        for held in (agent, owner):
            if finish == "close":
                held.close()
            else:
                with held:
                    pass

    together(close, *(worker(*call) for call in calls))


def test_deliveries_arrive_while_others_tokenize(ends) -> None:
    owner, agent, _ = owner_again()
    done = threading.Event()

    def rotate() -> None:
        try:
            for _ in range(5):
                [(_, delivery)] = owner.rotate(now=NOW).committed().deliveries
                assert agent.accept(delivery) == "updated"
        finally:
            done.set()

    def tokenize() -> None:
        while not done.is_set():
            tokens = agent.tokenize_many(TITLE, VALUES[:200])
            # A batch is of one epoch, and the owner knows every epoch before its agents do.
            assert owner.reveal_many(tokens) == VALUES[:200]
            assert agent.tokenize_many(TITLE, VALUES[:2])[0] != agent.tokenize_many(TITLE, VALUES[:2])[1]

    together(rotate, tokenize, tokenize)
    assert agent.status.epoch == owner.policy.epoch == 6


def test_devices_are_approved_while_others_reveal() -> None:
    owner, agent, tokens = owner_again()
    _, request = enrolling(owner, "device2", "desktop")
    requests = [owner.inspect(request, now=NOW) for _ in range(4)]
    together(
        *[lambda: [owner.reveal_many(tokens) for _ in range(5)] and None] * 2,
        *[lambda request=request: owner.approve(request, now=NOW) and None for request in requests],
    )
    assert len(owner.devices) == 2


def test_a_request_and_an_identity_are_used_up_once() -> None:
    owner, _ = new_owner()
    _, request = enrolling(owner)
    verified, outcomes = owner.inspect(request, now=NOW), []

    def approve() -> None:
        try:
            owner.approve(verified, now=NOW)
            outcomes.append("approved")
        except bt.ClosedError as refused:
            outcomes.append(refused.code)

    together(*[approve] * 6)
    assert sorted(outcomes) == ["approved"] + ["python.closed"] * 5


def test_a_list_that_another_thread_changes_gives_tokens_of_what_was_in_it(ends) -> None:
    values = list(VALUES)
    known = set(ends.agent.tokenize_many(TITLE, VALUES)) | {None}
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            del values[500:]
            values.extend(VALUES[500:])
            values[7] = None
            values.clear()
            values[:] = VALUES

    def tokenize() -> None:
        try:
            for _ in range(60):
                assert known.issuperset(ends.agent.tokenize_many(TITLE, values))
        finally:
            done.set()

    together(change, tokenize)


TESTS = Path(__file__).parent
SETUP = """
import sys
sys.path.insert(0, sys.argv[1])
import atexit, threading, blindtally as bt
from accounts import NOW, enrolling, new_owner
owner, _ = new_owner()
pending, request = enrolling(owner)
agent = pending.accept(owner.approve(owner.inspect(request, now=NOW), now=NOW).committed().delivery)
values = [f"window {number}" * 10 for number in range(5000)]
tokens = agent.tokenize_many(bt.TokenClass.TITLE, values)
"""


def run(program: str, *options: str) -> str:
    command = [sys.executable, "-X", "faulthandler", *options, "-c", SETUP + program, str(TESTS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, (ended.returncode, ended.stderr[-3000:])
    assert ended.stderr == ""
    return ended.stdout


# Many rounds, since where the threads are when the program ends differs each time.
DAEMONS = """
inside = threading.Barrier(5)
def work(call):
    call()
    inside.wait()
    while True:
        call()
calls = [
    lambda: agent.tokenize_many(bt.TokenClass.TITLE, values),
    lambda: owner.reveal_many(tokens),
    lambda: agent.tokenize_many(bt.TokenClass.TITLE, iter(values)),
    lambda: owner.rotate(now=NOW),
]
for call in calls:
    threading.Thread(target=work, args=(call,), daemon=True).start()
inside.wait()
print("left")
"""


@pytest.mark.parametrize("round", range(4))
def test_a_program_ends_while_daemon_threads_work(round: int) -> None:
    assert run(DAEMONS) == "left\n"


def test_what_is_open_when_a_program_ends_does_no_harm() -> None:
    program = """
class Last:
    def __del__(self):
        agent.tokenize(bt.TokenClass.TITLE, "at the end")
        agent.close()
cycle = [agent, owner, Last()]
cycle.append(cycle)
column = None
try:
    import pyarrow
    column = agent.tokenize_many(bt.TokenClass.TITLE, pyarrow.array(values))
except (ImportError, bt.BlindtallyError):
    pass
class Holder:
    agent, owner, error, codes = agent, owner, None, bt.error_codes()
atexit.register(lambda: print(owner.reveal(tokens[0]) == values[0]))
atexit.register(agent.tokenize_many, bt.TokenClass.TITLE, values)
"""
    assert run(program) == "True\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_goes_on_with_what_the_parent_had() -> None:
    program = """
import os, warnings
warnings.simplefilter("ignore")
for _ in range(5):
    child = os.fork()
    if child == 0:
        ok = owner.reveal_many(agent.tokenize_many(bt.TokenClass.TITLE, values)) == values
        agent.close()
        os._exit(0 if ok else 7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert owner.reveal_many(tokens) == values
print("both")
"""
    assert run(program) == "both\n"


def test_nothing_with_keys_is_handed_to_a_spawned_process(ends) -> None:
    context = multiprocessing.get_context("spawn")
    for held in (ends.agent, ends.owner):
        process = context.Process(target=print, args=(held,))
        with pytest.raises(TypeError, match="pickle"):
            process.start()


def test_a_subinterpreter_refuses_the_package_or_works() -> None:
    program = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = '''
import sys
sys.path[:] = {path!r}
try:
    import blindtally
    assert blindtally.normal_login_name("Anna") == "anna"
    blindtally.TokenClass(1)
except ImportError:
    pass
'''.format(path=sys.path)
for _ in range(2):
    identifier = interpreters.create()
    failed = getattr(interpreters, "exec", None) or interpreters.run_string
    assert failed(identifier, code) is None
    interpreters.destroy(identifier)
assert owner.reveal(tokens[0]) == values[0]
print("alive")
"""
    assert run(program) == "alive\n"
