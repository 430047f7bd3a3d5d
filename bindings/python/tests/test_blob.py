"""Blobs: sealed by an agent, opened whole, as a stream and at any place; whatever the file objects do."""

from __future__ import annotations

import array
import copy
import gc
import io
import pickle
import shutil
import subprocess
import sys
import tarfile
import textwrap
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import LATER, enrolled, new_owner
from blindtally import (
    Agent,
    ArgumentTypeError,
    ArgumentValueError,
    BlobClass,
    BlobError,
    BlobFile,
    BlobReader,
    BlobWriter,
    BlindtallyError,
    ClosedError,
    Owner,
    TokenClass,
)

LENGTHS = [0, 1, 16383, 16384, 16385, 3 * 1024 * 1024 + 5]
START = 103
SEALED_CHUNK = 16400


def content_of(length: int) -> bytes:
    return bytes((at * 2654435761 >> 16) & 0xFF for at in range(min(length, 65521))) * (length // 65521 + 1)


def contents() -> list[bytes]:
    return [content_of(length)[:length] for length in LENGTHS]


@pytest.fixture(scope="module")
def account() -> tuple[Owner, Agent]:
    owner, _ = new_owner()
    return owner, enrolled(owner)


@pytest.fixture
def owner(account: tuple[Owner, Agent]) -> Owner:
    return account[0]


@pytest.fixture
def agent(account: tuple[Owner, Agent]) -> Agent:
    return account[1]


def code_of(call: Callable[[], object], kind: type[BlindtallyError] = BlindtallyError) -> str:
    with pytest.raises(kind) as refused:
        call()
    return refused.value.code


@pytest.mark.parametrize("content", contents(), ids=map(str, LENGTHS))
def test_what_an_agent_seals_the_owner_opens_in_every_way(owner: Owner, agent: Agent, content: bytes) -> None:
    blob = agent.seal_blob(BlobClass.SCREENSHOT, content, LATER)
    assert owner.open_blob(blob) == content
    reader = owner.blob_reader(io.BytesIO(blob))
    assert reader.read() == content and reader.read() == b"" and reader.read(1) == b""
    file = owner.blob_file(io.BytesIO(blob))
    assert len(file) == len(content) and file.read() == content
    out = io.BytesIO()
    with agent.blob_writer(BlobClass.SCREENSHOT, out, LATER) as writer:
        shutil.copyfileobj(io.BytesIO(content), writer)
    assert len(out.getvalue()) == len(blob) and owner.open_blob(out.getvalue()) == content
    for header in (reader.header, file.header, writer.header):
        assert header.blob_class == BlobClass.SCREENSHOT and header.device == agent.device_id
        assert header.epoch == 1 and header.seq == int(LATER.timestamp() * 1000) and len(header.id) == 32
    assert reader.header == file.header != writer.header


def test_whatever_has_the_buffer_protocol_is_sealed_and_opened(owner: Owner, agent: Agent) -> None:
    content = content_of(40000)[:40000]
    kinds: list[Any] = [bytearray(content), memoryview(content), array.array("B", content)]
    for given_as in kinds:
        blob = agent.seal_blob(BlobClass.VOICE, given_as)
        assert owner.open_blob(bytearray(blob)) == owner.open_blob(memoryview(blob)) == content
    others: list[Any] = ["text", None, 5, [1], TokenClass.APP]
    for other in others:
        assert code_of(lambda: agent.seal_blob(BlobClass.VOICE, other), ArgumentTypeError) == "python.type"
        assert code_of(lambda: owner.open_blob(other), ArgumentTypeError) == "python.type"
        assert code_of(lambda: owner.blob_reader(other), ArgumentTypeError) == "python.type"
        assert code_of(lambda: owner.blob_file(other), ArgumentTypeError) == "python.type"
        assert code_of(lambda: agent.blob_writer(BlobClass.VOICE, other), ArgumentTypeError) == "python.type"
        assert code_of(lambda: agent.seal_blob(other, b""), ArgumentTypeError) == "python.type"


def test_the_files_are_files_of_pythons(owner: Owner, agent: Agent, tmp_path: Path) -> None:
    text = "".join(f"Zeile {number} – ü\n" for number in range(5000))
    blob = agent.seal_blob(BlobClass.VOICE, text.encode())
    for opened in (owner.blob_reader(io.BytesIO(blob)), owner.blob_file(io.BytesIO(blob))):
        assert isinstance(opened, io.RawIOBase) and opened.readable() and not opened.writable()
        assert list(io.TextIOWrapper(io.BufferedReader(opened), encoding="utf-8", newline="")) == text.splitlines(True)
    reader = owner.blob_reader(io.BytesIO(blob))
    assert isinstance(reader, BlobReader) and not reader.seekable()
    assert reader.readline() == "Zeile 0 – ü\n".encode() and next(reader) == "Zeile 1 – ü\n".encode()
    out = io.BytesIO()
    with agent.blob_writer(BlobClass.VOICE, out) as writer:
        assert isinstance(writer, BlobWriter) and isinstance(writer, io.RawIOBase)
        assert writer.writable() and not writer.readable()
        wrapped = io.TextIOWrapper(io.BufferedWriter(writer), encoding="utf-8", newline="")
        wrapped.write(text)
        wrapped.flush()
        wrapped.detach().detach()
    assert owner.open_blob(out.getvalue()) == text.encode()

    tar = io.BytesIO()
    zipped = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made, zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(20):
            entry = tarfile.TarInfo(f"{number}.txt")
            entry.size = len(text)
            made.addfile(entry, io.BytesIO(text.encode()[: len(text)]))
            packed.writestr(f"{number}.txt", text)
    with tarfile.open(fileobj=owner.blob_file(io.BytesIO(agent.seal_blob(BlobClass.VOICE, tar.getvalue())))) as made:
        found = made.extractfile("13.txt")
        assert found is not None and found.read() == text.encode()[: len(text)]
    with zipfile.ZipFile(owner.blob_file(io.BytesIO(agent.seal_blob(BlobClass.VOICE, zipped.getvalue())))) as packed:
        assert packed.read("7.txt") == text.encode() and packed.testzip() is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    length=st.sampled_from([0, 1, 16384, 100_000, 700_000]),
    before=st.sampled_from([0, 1, 5000]),
    steps=st.lists(st.tuples(st.floats(0, 1.2), st.integers(0, 2), st.integers(0, 50_000)), max_size=12),
)
def test_any_part_is_read_as_it_is_in_the_content(
    owner: Owner, agent: Agent, length: int, before: int, steps: list[tuple[float, int, int]]
) -> None:
    plain = content_of(length)[:length]
    inner = io.BytesIO(bytes(before) + agent.seal_blob(BlobClass.CAMERA, plain))
    inner.seek(before)
    file, model = owner.blob_file(inner), io.BytesIO(plain)
    inner.seek(0)
    for share, how, size in steps:
        place = int(share * length)
        assert file.seek(place) == model.seek(place) == file.tell()
        if how == 0:
            assert file.read(size) == model.read(size)
        elif how == 1:
            room, expected = bytearray(size), bytearray(size)
            assert file.readinto(room) == model.readinto(expected) and room == expected
        else:
            assert file.seek(-min(size, length), io.SEEK_END) == model.seek(-min(size, length), io.SEEK_END)
            assert file.read() == model.read()


def test_places_that_are_none_are_refused(owner: Owner, agent: Agent) -> None:
    file = owner.blob_file(io.BytesIO(agent.seal_blob(BlobClass.CAMERA, b"content")))
    assert code_of(lambda: file.seek(-1), ArgumentValueError) == "python.value"
    assert code_of(lambda: file.seek(0, 3), ArgumentValueError) == "python.value"
    assert code_of(lambda: file.seek(1 << 70), ArgumentValueError) == "python.value"
    text: Any = "1"
    assert code_of(lambda: file.seek(text), ArgumentTypeError) == "python.type"
    assert code_of(lambda: file.read(text), ArgumentTypeError) == "python.type"
    assert file.seek(2) == 2 and file.seek(1, 1) == 3 and file.read() == b"tent" and file.seek(1 << 40) == 1 << 40
    assert file.read(5) == b"" and file.read(0) == b"" and file.read() == b""


def read_until_refused(file: Any, size: int) -> tuple[bytes, str]:
    read = b""
    while True:
        try:
            piece = file.read(size)
        except BlobError as refused:
            with pytest.raises(BlobError):
                file.read(size)
            return read, refused.code
        assert piece
        read += piece


@pytest.mark.parametrize("size", [1000, 16384, 50_000, 10_000_000])
def test_what_came_before_damage_is_authentic_and_damage_is_said(owner: Owner, agent: Agent, size: int) -> None:
    content = content_of(100_000)[:100_000]
    blob = agent.seal_blob(BlobClass.CAMERA, content)
    chunk = [blob[START + at : START + at + SEALED_CHUNK] for at in range(0, len(blob) - START, SEALED_CHUNK)]
    changed = bytearray(blob)
    changed[START + 2 * SEALED_CHUNK + 77] ^= 1
    cases = {
        "damaged": (bytes(changed), "blob.tampered", 2),
        "truncated": (blob[: START + 3 * SEALED_CHUNK - 1], "blob.tampered", 2),
        "truncated at a chunk": (blob[: START + 3 * SEALED_CHUNK], "blob.truncated", 3),
        "extended": (blob + bytes(20), "blob.tampered", len(chunk) - 1),
        "swapped": (blob[:START] + b"".join([chunk[0], chunk[2], chunk[1], *chunk[3:]]), "blob.tampered", 1),
    }
    for name, (bad, code, chunks) in cases.items():
        assert code_of(lambda: owner.open_blob(bad), BlobError) == code, name
        read, said = read_until_refused(owner.blob_reader(io.BytesIO(bad)), size)
        assert said == code and read == content[: chunks * 16384], name
        assert code_of(owner.blob_reader(io.BytesIO(bad)).read, BlobError) == code, name
    file = owner.blob_file(io.BytesIO(changed))
    assert read_until_refused(file, size) == (content[: 2 * 16384], "blob.tampered")
    file.seek(3 * 16384)
    assert file.read() == content[3 * 16384 :]
    for name in ("truncated", "truncated at a chunk", "extended"):
        with pytest.raises(BlobError):
            owner.blob_file(io.BytesIO(cases[name][0]))


def openers(keys: Owner) -> list[Callable[[bytes], object]]:
    return [
        keys.open_blob,
        lambda blob: keys.blob_reader(io.BytesIO(blob)),
        lambda blob: keys.blob_file(io.BytesIO(blob)),
    ]


def test_foreign_and_short_beginnings_are_refused(owner: Owner, agent: Agent) -> None:
    blob = agent.seal_blob(BlobClass.CAMERA, b"content")
    foreign, _ = new_owner()
    for opener in openers(foreign):
        assert code_of(lambda: opener(blob), BlobError) == "blob.no-key"
    changed = blob[:60] + bytes([blob[60] ^ 1]) + blob[61:]
    for opener in openers(owner):
        assert code_of(lambda: opener(changed), BlobError) == "blob.no-key"
        assert code_of(lambda: opener(blob[:50]), BlobError).startswith("malformed.")
        assert code_of(lambda: opener(b""), BlobError).startswith("malformed.")


def test_files_go_on_after_keys_are_closed_and_end_when_they_are_closed_themselves(agent: Agent) -> None:
    own, _ = new_owner()
    sealing = enrolled(own)
    out = io.BytesIO()
    writer = sealing.blob_writer(BlobClass.CAMERA, out)
    sealing.close()
    with writer:
        writer.write(b"content")
    reader, file = own.blob_reader(io.BytesIO(out.getvalue())), own.blob_file(io.BytesIO(out.getvalue()))
    own.close()
    assert reader.read(3) == b"con" and file.read(3) == b"con"
    for opened in (reader, file):
        inner_header = opened.header
        opened.close()
        opened.close()
        assert opened.closed and opened.header == inner_header and "closed" in repr(opened)
        calls: list[Callable[[], object]] = [
            opened.read, lambda: opened.read(1), opened.readable, lambda: opened.readinto(bytearray(1))
        ]
        for call in calls:
            with pytest.raises(ValueError):
                call()
        assert code_of(lambda: opened.read(1), ClosedError) == "python.closed"
    assert code_of(lambda: file.seek(0), ClosedError) == "python.closed"
    calls = [lambda: writer.write(b"x"), writer.finish, writer.writable]
    for call in calls:
        assert code_of(call, ClosedError) == "python.closed"
    assert code_of(lambda: own.blob_reader(io.BytesIO(out.getvalue())), ClosedError) == "python.closed"
    assert not out.closed


def test_nothing_of_them_is_pickled_or_copied(owner: Owner, agent: Agent) -> None:
    blob = agent.seal_blob(BlobClass.CAMERA, b"content")
    writer = agent.blob_writer(BlobClass.CAMERA, io.BytesIO())
    made = [owner.blob_reader(io.BytesIO(blob)), owner.blob_file(io.BytesIO(blob)), writer]
    for file in [*made, *(file._raw for file in made), made[1]._raw]:
        for call in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                call(file)


def test_a_blob_that_an_exception_leaves_does_not_open(owner: Owner, agent: Agent) -> None:
    for length in (10, 16384, 1_000_000):
        out = io.BytesIO()
        with pytest.raises(KeyError), agent.blob_writer(BlobClass.CAMERA, out) as writer:
            writer.write(content_of(length))
            writer.flush()
            raise KeyError
        assert writer.closed
        with pytest.raises(BlobError):
            owner.open_blob(out.getvalue())
    out = io.BytesIO()
    writer = agent.blob_writer(BlobClass.CAMERA, out)
    writer.write(b"content")
    del writer
    with pytest.raises(BlobError):
        owner.open_blob(out.getvalue())


def test_a_block_whose_writer_was_closed_by_another_file_does_not_end_in_silence(agent: Agent) -> None:
    def write() -> None:
        with agent.blob_writer(BlobClass.CAMERA, io.BytesIO()) as writer:
            with io.TextIOWrapper(io.BufferedWriter(writer)) as text:
                text.write("text")

    assert code_of(write, ClosedError) == "python.closed"


def test_flush_hands_on_whatever_is_sealed(owner: Owner, agent: Agent) -> None:
    out = io.BytesIO()
    with agent.blob_writer(BlobClass.CAMERA, out) as writer:
        writer.write(content_of(40_000)[:40_000])
        writer.flush()
        assert len(out.getvalue()) == START + 2 * SEALED_CHUNK


class Odd(io.BytesIO):
    """A file object that misbehaves once, at a chosen call."""

    def __init__(self, content: bytes, at: int, act: Callable[[int], Any]) -> None:
        super().__init__(content)
        self.left, self.act = at, act

    def read(self, size: int | None = -1, /) -> Any:
        self.left -= 1
        return self.act(size or 0) if self.left == -1 else super().read(size)

    def write(self, data: Any, /) -> Any:
        self.left -= 1
        return self.act(len(data)) if self.left == -1 else super().write(data)


@pytest.mark.parametrize("odd", [lambda _: "text", lambda _: None, lambda size: bytes(size + 1), lambda _: 5])
@pytest.mark.parametrize("at", [0, 1])
def test_a_read_that_gives_no_bytes_is_refused(owner: Owner, agent: Agent, odd: Callable[[int], Any], at: int) -> None:
    blob = agent.seal_blob(BlobClass.CAMERA, content_of(50_000))
    for opener in (owner.blob_reader, owner.blob_file):
        assert code_of(lambda: opener(Odd(blob, at, odd)).read(), ArgumentTypeError) == "python.file"


@pytest.mark.parametrize("odd", [lambda _: "text", lambda _: None, lambda size: size + 1, lambda _: 0, lambda _: -1])
@pytest.mark.parametrize("at", [0, 1])
def test_a_write_that_does_not_say_how_much_is_refused(agent: Agent, odd: Callable[[int], Any], at: int) -> None:
    def write() -> None:
        with agent.blob_writer(BlobClass.CAMERA, Odd(b"", at, odd)) as writer:
            writer.write(content_of(900_000))

    assert code_of(write, ArgumentTypeError) == "python.file"


class Slow(io.RawIOBase):
    """Takes and gives a few bytes at a time, as raw files may."""

    def __init__(self, content: bytes = b"") -> None:
        self.inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.inner.readinto(memoryview(buffer)[:777])

    def write(self, data: Any) -> int:
        return self.inner.write(data[:12_345])


def test_files_that_take_and_give_less_are_asked_again(owner: Owner, agent: Agent) -> None:
    content = content_of(600_000)[:600_000]
    out = Slow()
    with agent.blob_writer(BlobClass.CAMERA, out) as writer:
        writer.write(content)
    reader = owner.blob_reader(Slow(out.inner.getvalue()))
    room = bytearray(500_000)
    assert reader.readinto(room) == 500_000 and room + reader.read() == content


RAISED = [OSError(5, "disk"), KeyboardInterrupt(), InterruptedError(), BlockingIOError(), EOFError()]


@pytest.mark.parametrize("raised", RAISED)
def test_what_a_file_object_raises_comes_out_as_it_is_and_reading_can_go_on(
    owner: Owner, agent: Agent, raised: BaseException
) -> None:
    def act(_: int) -> Any:
        raise raised

    content = content_of(2_000_000)[:2_000_000]
    blob = agent.seal_blob(BlobClass.CAMERA, content)
    for at in (0, 1, 2, 4):
        for opener in (owner.blob_reader, owner.blob_file):
            read, seen = b"", 0
            inner = Odd(blob, at, act)
            try:
                file = opener(inner)
            except BaseException as error:
                assert error is raised
                continue
            while len(read) < len(content):
                try:
                    read += file.read(600_000)
                except BaseException as error:
                    assert error is raised
                    seen += 1
            assert read == content and seen == 1
    out = Odd(b"", 1, act)
    writer = agent.blob_writer(BlobClass.CAMERA, out)
    with pytest.raises(type(raised)) as caught:
        for _ in range(10):
            writer.write(content)
    assert caught.value is raised
    assert code_of(lambda: writer.write(b"more"), ClosedError) == "python.closed"
    assert code_of(writer.finish, ClosedError) == "python.closed"
    with pytest.raises(BlobError):
        owner.open_blob(out.getvalue())


def test_a_file_object_may_close_the_keys_that_open_it() -> None:
    content = content_of(50_000)[:50_000]
    for opener in ("blob_reader", "blob_file"):
        for at in (0, 1):
            own, _ = new_owner()
            blob = enrolled(own).seal_blob(BlobClass.CAMERA, content)

            def act(size: int) -> bytes:
                own.close()
                return io.BytesIO.read(inner, size)

            inner = Odd(blob, at, act)
            if at == 0:
                assert code_of(lambda: getattr(own, opener)(inner), ClosedError) == "python.closed"
            else:
                assert getattr(own, opener)(inner).read() == content
            assert code_of(lambda: own.open_blob(blob), ClosedError) == "python.closed"


def test_a_file_object_that_uses_what_reads_it_is_refused_at_once(owner: Owner, agent: Agent) -> None:
    blob = agent.seal_blob(BlobClass.CAMERA, content_of(900_000))
    opened: BlobReader
    writer: BlobWriter
    for opener in (owner.blob_reader, owner.blob_file):
        uses: list[Callable[[], object]] = [lambda: opened.read(1), lambda: opened.read(), lambda: opened.close()]
        for use in uses:
            inner = Odd(blob, 99, lambda _: use())
            opened = opener(inner)
            inner.left = 0
            assert code_of(lambda: opened.read(), ClosedError) == "python.busy"
    uses = [lambda: writer.write(b"more"), lambda: writer.close(), lambda: writer.flush()]
    for use in uses:
        inner = Odd(b"", 0, lambda _: use())
        writer = agent.blob_writer(BlobClass.CAMERA, inner)
        assert code_of(lambda: writer.write(content_of(900_000)), ClosedError) == "python.busy"


def test_threads_that_share_a_file_get_each_byte_once_or_are_refused(owner: Owner, agent: Agent) -> None:
    content = content_of(3_000_000)[:3_000_000]
    for opener in (owner.blob_reader, owner.blob_file):
        file = opener(io.BytesIO(agent.seal_blob(BlobClass.CAMERA, content)))

        def read_all(_: int) -> list[bytes]:
            pieces: list[bytes] = []
            while True:
                try:
                    piece = file.read(50_000)
                except ClosedError as refused:
                    assert refused.code == "python.busy"
                    continue
                if not piece:
                    return pieces
                pieces.append(piece)

        with ThreadPoolExecutor(4) as threads:
            pieces = [piece for found in threads.map(read_all, range(4)) for piece in found]
        assert sorted(pieces) == sorted(content[at : at + 50_000] for at in range(0, len(content), 50_000))


def test_files_and_what_they_read_are_collected_in_a_circle(owner: Owner, agent: Agent) -> None:
    class Circle(io.BytesIO):
        back: object = None

    blob = agent.seal_blob(BlobClass.CAMERA, b"content")
    seen = []
    for opener in (owner.blob_reader, owner.blob_file, lambda file: agent.blob_writer(BlobClass.CAMERA, file)):
        inner = Circle(blob)
        inner.back = opener(inner)
        seen.append(weakref.ref(inner))
        del inner
    gc.collect()
    assert [ref() for ref in seen] == [None, None, None]


MEMORY = """
    import resource, sys
    sys.path.insert(0, {tests!r})
    from accounts import enrolled, new_owner
    from blindtally import BlobClass
    import shutil

    class Zeros:
        def __init__(self, length):
            self.left = length

        def read(self, size):
            some = min(size, self.left)
            self.left -= some
            return bytes(some)

    owner, _ = new_owner()
    agent = enrolled(owner)
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open({path!r}, "wb") as out, agent.blob_writer(BlobClass.VOICE, out) as writer:
        shutil.copyfileobj(Zeros(1 << 20), writer)
    before = peak()
    with open({path!r}, "wb") as out, agent.blob_writer(BlobClass.VOICE, out) as writer:
        shutil.copyfileobj(Zeros(256 << 20), writer)
    for opener in (owner.blob_reader, owner.blob_file):
        with open({path!r}, "rb") as sealed, opener(sealed) as reader:
            length = 0
            while piece := reader.read(65536):
                length += len(piece)
            assert length == 256 << 20
    print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is Linux's")
def test_a_long_blob_takes_constant_memory(tmp_path: Path) -> None:
    program = textwrap.dedent(MEMORY).format(tests=str(Path(__file__).parent), path=str(tmp_path / "blob"))
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 32 * 1024
