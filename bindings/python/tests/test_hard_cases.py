"""Arguments at the edges of what they can be, and batches that are mostly of one kind."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import pytest

import blindtally as bt
from accounts import NOW, enrolled, identity, new_owner

pa = pytest.importorskip("pyarrow")

TITLE = bt.TokenClass.TITLE
CHAT = bt.RecordClass.CHAT


@pytest.fixture(scope="module")
def owner() -> Iterator[bt.Owner]:
    with new_owner()[0] as owner:
        yield owner


@pytest.fixture(scope="module")
def agent(owner: bt.Owner) -> Iterator[bt.Agent]:
    with enrolled(owner) as agent:
        yield agent


def seq(owner: bt.Owner, agent: bt.Agent, when: datetime) -> int:
    return owner.open_record(agent.seal_record(CHAT, "x", when)).seq


def test_an_offset_of_half_a_second_is_taken_to_the_millisecond(owner, agent) -> None:
    east = timezone(timedelta(seconds=1, microseconds=500_000))
    assert seq(owner, agent, datetime(1970, 1, 1, 0, 0, 2, tzinfo=east)) == 500
    assert seq(owner, agent, datetime(2026, 1, 1, 0, 0, 0, 999_999, east)) % 60_000 == 59_499


def test_the_ends_of_what_a_datetime_can_say_are_taken_or_refused_with_a_code(owner, agent) -> None:
    assert seq(owner, agent, datetime(1970, 1, 1, tzinfo=timezone.utc)) == 0
    assert seq(owner, agent, datetime.max.replace(tzinfo=timezone.utc)) == 253_402_300_799_999
    early = datetime(1970, 1, 1, tzinfo=timezone.utc) - timedelta(microseconds=1)
    for when in (early, datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))):
        with pytest.raises(bt.ArgumentValueError):
            agent.seal_record(CHAT, "x", when)


class Broken(tzinfo):
    def utcoffset(self, when: Any) -> Any:
        return 5


def test_a_datetime_that_is_no_moment_is_refused_with_a_code(owner, agent) -> None:
    given: list[Any] = [datetime(2026, 1, 1, tzinfo=Broken())]
    pandas = pytest.importorskip("pandas")
    given.append(pandas.NaT)
    for when in given:
        with pytest.raises(bt.ArgumentValueError) as refused:
            owner.issue_ticket(now=when)
        assert refused.value.code == "python.value"
    stamp = pandas.Timestamp("2026-01-01T00:00:00.123456789", tz="Europe/Berlin")
    assert seq(owner, agent, stamp) == 1_767_222_000_123


def test_a_released_memoryview_is_refused_with_a_code(agent) -> None:
    view = memoryview(b"k" * 32)
    view.release()
    with pytest.raises(bt.ArgumentValueError):
        agent.export_state(view)


def test_a_refused_name_uses_no_identity_up(owner) -> None:
    keys, ticket = identity("device2"), owner.issue_ticket(now=NOW)
    for name in ("", "n" * 129):
        with pytest.raises(bt.EnrollmentError):
            bt.Agent.enroll(ticket, name, identity=keys)
    pending, _ = bt.Agent.enroll(ticket, "laptop", identity=keys)
    pending.close()


SETUP = """
import ctypes
import struct
import pyarrow as pa
import accounts
import blindtally as bt
owner, _ = accounts.new_owner()
agent = accounts.enrolled(owner)
TITLE = bt.TokenClass.TITLE
"""


def run(code: str) -> str:
    """What a process of its own prints: one that may end, or whose memory is looked at."""
    code = SETUP + textwrap.dedent(code)
    env = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    here = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", code], cwd=here, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_batch_of_empty_values_leaves_no_memory_to_its_thread() -> None:
    held = run(
        """
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) // 256
        agent.tokenize_many(TITLE, ["x"])
        before = resident()
        values = [""] * 2_000_000
        tokens = agent.tokenize_many(TITLE, values)
        del values, tokens
        print(resident() - before)
        """
    )
    # Its tokens alone have 96 MB.
    assert int(held) < 80


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_column_of_long_values_leaves_no_memory_to_its_thread() -> None:
    held = run(
        """
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) // 256
        agent.tokenize_many(TITLE, pa.array(["x"]))
        before = resident()
        values = pa.array(["x" * 4000] * 8000)
        tokens = agent.tokenize_many(TITLE, values)
        del values, tokens
        # Where it lies decides whether malloc gives back what was freed by itself.
        ctypes.CDLL(None).malloc_trim(0)
        print(resident() - before)
        """
    )
    # The tokens of a piece of it have 22 MB, and as much again as bytes and as frames.
    assert int(held) < 20


@pytest.mark.skipif(sys.platform != "linux", reason="limits its memory")
def test_many_views_of_one_text_take_no_memory_for_each() -> None:
    refused = run(
        """
        import resource
        text = b"y" * 1_000_000
        view = struct.pack("<i4sii", len(text), text[:4], 0, 0)
        views = pa.Array.from_buffers(pa.string_view(), 4000, [None, pa.py_buffer(view * 4000), pa.py_buffer(text)])
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * 4096
        agent.tokenize_many(TITLE, views[:3], errors="null")
        resource.setrlimit(resource.RLIMIT_AS, (taken + (3 << 30), -1))
        print(agent.tokenize_many(TITLE, views, errors="null").null_count)
        """
    )
    assert refused == "4000"


def test_chunks_that_share_a_dictionary_share_its_tokens(agent) -> None:
    words = pa.array([f"word {number}" for number in range(1000)] + ["y" * 5000])
    other = pa.array(["word 5", "word 7"])
    taken = pa.DictionaryArray.from_arrays(pa.array([*range(1000), 1000], pa.int32()), words)
    chunks = [taken.slice(start, 10) for start in range(0, 1000, 10)]
    chunks.append(pa.DictionaryArray.from_arrays(pa.array([1, None], pa.int32()), other))
    column = pa.chunked_array([*chunks, taken.slice(20, 10), taken.slice(999)])
    tokens = agent.tokenize_many(TITLE, column, errors="null")
    assert tokens.to_list() == agent.tokenize_many(TITLE, column.to_pylist(), errors="null")
    places = {chunk.dictionary.buffers()[2].address for chunk in pa.chunked_array(tokens).chunks[:100]}
    assert len(places) == 1
    with pytest.raises(bt.TokenizeError) as refused:
        agent.tokenize_many(TITLE, column)
    assert refused.value.index == len(column) - 1


def test_a_dictionary_of_many_values_that_no_row_has_is_looked_through_once(owner, agent) -> None:
    # Comparing every row with every value would take an hour.
    count = 1_000_000
    values = pa.array(["bt1_no-token"] * count + [agent.tokenize(TITLE, "x")])
    column = pa.DictionaryArray.from_arrays(pa.array([count] * count, pa.int32()), values)
    assert len(owner.reveal_many(column)) == count
    assert owner.reveal_many(column[:3]).to_list() == ["x"] * 3
    column = pa.DictionaryArray.from_arrays(pa.array([count, None, 7, 3], pa.int32()), values)
    with pytest.raises(bt.RevealError) as refused:
        owner.reveal_many(column)
    assert refused.value.index == 2
