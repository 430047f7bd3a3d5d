"""Archives: files in, the same files out, whatever happens to some of them."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import pytest

from accounts import LATER, NOW, new_owner
from blindtally import (
    Archive,
    ArchiveError,
    ArgumentTypeError,
    ArgumentValueError,
    Backup,
    BlindtallyError,
    BlobClass,
    BlobError,
    BlobFile,
    ClosedError,
    Owner,
    RecoveryKey,
    Restored,
)

VECTORS = Path(__file__).parents[3] / "test-vectors"
START = 103
SEALED_CHUNK = 16400

FILES = {
    "devices.json": b"{}" * 50,
    "log/a/000001.jsonl": b"0123456789" * 5000,
    "screenshot/a/1.png": bytes(range(256)) * 800,
    "screenshot/a/2.png": b"",
    "voice/a/1.ogg": b"\x80" * 512,
}


@pytest.fixture(scope="module")
def owner() -> Owner:
    return new_owner()[0]


def anything(given: Any) -> Any:
    """What is of a wrong type on purpose."""
    return given


def archive_of(owner: Owner, files: dict[str, bytes] = FILES) -> bytes:
    out = io.BytesIO()
    with owner.archive_writer(out, now=LATER) as writer:
        for path, content in files.items():
            writer.add(path, content, NOW)
    return out.getvalue()


def code_of(call: Callable[[], object], kind: type[BlindtallyError] = BlindtallyError) -> str:
    with pytest.raises(kind) as refused:
        call()
    return refused.value.code


def test_every_file_comes_out_as_it_went_in(owner: Owner) -> None:
    with owner.open_archive(io.BytesIO(archive_of(owner))) as archive:
        assert isinstance(archive, Archive) and archive.listing == "signed" and archive.made == LATER
        assert [file.path for file in archive.files] == list(FILES)
        for number, (file, content) in enumerate(zip(archive.files, FILES.values())):
            assert (file.modified, file.length) == (NOW.replace(microsecond=0), len(content))
            assert file.sha256 == hashlib.sha256(content).digest()
            assert archive.read(number) == archive.read(file.path) == content
            out = io.BytesIO()
            archive.copy(file.path, out)
            assert out.getvalue() == content
            archive.check(number)
        for none in (len(FILES), 1 << 40, "nothing", "../devices.json", "DEVICES.JSON"):
            assert code_of(lambda: archive.read(none), ArchiveError) == "archive.no-file"
        assert code_of(lambda: archive.read(-1), ArgumentValueError) == "python.value"
        assert code_of(lambda: archive.read(anything(None)), ArgumentTypeError) == "python.type"
        assert code_of(lambda: archive.copy(0, anything("path")), ArgumentTypeError) == "python.type"
    for call in (lambda: archive.read(0), lambda: archive.check(0), archive.tar, archive.__enter__):
        assert code_of(call, ClosedError) == "python.closed"
    archive.close()
    assert len(archive.files) == len(FILES)


def test_content_comes_from_bytes_and_from_file_objects(owner: Owner) -> None:
    class Pipe:
        def __init__(self, content: bytes) -> None:
            self.inner = io.BytesIO(content)

        def read(self, size: int) -> bytes:
            return self.inner.read(min(size, 1000))

    out = io.BytesIO()
    content = bytes(range(256)) * 1000
    with owner.archive_writer(out) as writer:
        here = io.BytesIO(b"skipped" + content)
        here.seek(7)
        writer.add("sought.bin", here)
        writer.add("piped.bin", Pipe(content), length=len(content))
        writer.add("view.bin", memoryview(content), modified=NOW)
        writer.add("array.bin", bytearray(content))
        no_length = lambda: writer.add("unknown.bin", Pipe(content))
        assert code_of(no_length, ArgumentValueError) == "python.value"
        assert code_of(lambda: writer.add("text.txt", anything("text")), ArgumentTypeError) == "python.type"
        naive = lambda: writer.add("naive.bin", b"", datetime(2026, 1, 1))
        assert code_of(naive, ArgumentValueError) == "python.value"
        for path in ("../up", "/root", "a//b", "con", "view.bin", "VIEW.bin", "a b", ".hidden", "view.bin/under", ""):
            assert code_of(lambda: writer.add(path, b""), ArchiveError) == "archive.path"
        listed = writer.files
    assert writer.files == listed
    assert [file.path for file in listed] == ["sought.bin", "piped.bin", "view.bin", "array.bin"]
    with owner.open_archive(io.BytesIO(out.getvalue())) as archive:
        assert archive.files == listed
        assert {archive.read(file.path) for file in archive.files} == {content}
        assert abs(archive.files[0].modified - datetime.now(timezone.utc)) < timedelta(hours=1)


def test_content_of_another_length_spoils_the_archive(owner: Owner) -> None:
    for length in (5, 7):
        writer = owner.archive_writer(io.BytesIO())
        wrong = lambda: writer.add("file", io.BytesIO(b"123456"), length=length)
        assert code_of(wrong, ArchiveError) == "archive.too-long"
        assert code_of(writer.finish, ArchiveError) == "archive.too-long"
        assert code_of(writer.finish, ClosedError) == "python.closed"


def test_the_tar_is_a_file_beside_the_archive(owner: Owner) -> None:
    archive = owner.open_archive(io.BytesIO(archive_of(owner)))
    tar = archive.tar()
    assert isinstance(tar, BlobFile) and tar.header.blob_class == BlobClass.ARCHIVE
    with tarfile.open(fileobj=tar) as entries:
        found = {}
        for entry in entries:
            archive.check(0)
            content = entries.extractfile(entry)
            assert content is not None
            found[entry.name] = content.read()
        assert found.pop("blindtally.manifest") and found == FILES
    tar.close()
    assert archive.read(0) == FILES["devices.json"]
    again = archive.tar()
    archive.close()
    assert code_of(again.read, ClosedError) == "python.closed"


def test_damage_costs_the_files_it_is_in(owner: Owner) -> None:
    sealed = bytearray(archive_of(owner))
    sealed[START + 6 * SEALED_CHUNK] ^= 1
    archive = owner.open_archive(io.BytesIO(sealed))
    assert archive.listing == "signed"
    out = io.BytesIO()
    for file in archive.files:
        if file.path == "screenshot/a/1.png":
            for call in (archive.read, archive.check, lambda path: archive.copy(path, out)):
                assert code_of(lambda: call(file.path), ArchiveError) == "archive.damaged"
        else:
            assert archive.read(file.path) == FILES[file.path]

    cut = owner.open_archive(io.BytesIO(archive_of(owner)[: START + 9 * SEALED_CHUNK]))
    assert cut.listing == "unlisted" and cut.made is None
    assert [file.sha256 for file in cut.files] == [None] * 3
    assert cut.read(1) == FILES["log/a/000001.jsonl"]
    assert code_of(lambda: cut.read("screenshot/a/1.png"), ArchiveError) == "archive.damaged"


def test_an_archive_that_is_not_finished_opens_as_one_that_was_cut_off(owner: Owner) -> None:
    out = io.BytesIO()
    with pytest.raises(KeyError), owner.archive_writer(out) as writer:
        writer.add("first.bin", bytes(100_000))
        writer.add("second.bin", bytes(300_000))
        raise KeyError
    assert code_of(lambda: writer.add("third.bin", b""), ClosedError) == "python.closed"
    archive = owner.open_archive(io.BytesIO(out.getvalue()))
    assert archive.listing == "unlisted" and archive.read("first.bin") == bytes(100_000)


def test_other_accounts_and_other_blobs_are_refused(owner: Owner) -> None:
    foreign, _ = new_owner()
    sealed = archive_of(owner)
    assert code_of(lambda: foreign.open_archive(io.BytesIO(sealed)), ArchiveError) == "archive.other-account"
    assert code_of(lambda: owner.open_archive(io.BytesIO(b"")), BlobError).startswith("malformed.")
    assert code_of(lambda: owner.open_archive(anything(b"bytes")), ArgumentTypeError) == "python.type"


def test_it_goes_on_after_the_owner_is_closed_but_is_signed_by_an_open_one() -> None:
    own, _ = new_owner()
    archive = own.open_archive(io.BytesIO(archive_of(own)))
    out = io.BytesIO()
    writer = own.archive_writer(out)
    own.close()
    assert archive.read(0) == FILES["devices.json"]
    writer.add("file", b"content")
    assert code_of(writer.finish, ClosedError) == "python.closed"
    for made in (archive, writer):
        for call in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                call(made)


def test_what_uses_an_archive_from_within_is_refused_at_once(owner: Owner) -> None:
    class Calling(io.BytesIO):
        call: Callable[[], Any] | None = None

        def read(self, size: int | None = -1, /) -> bytes:
            if self.call:
                self.call()
            return super().read(size)

        def write(self, data: Any, /) -> int:
            if self.call:
                self.call()
            return super().write(data)

    inner = Calling(archive_of(owner))
    archive = owner.open_archive(inner)
    for use in (lambda: archive.read(0), archive.close, archive.tar, lambda: archive.tar().read(1)):
        inner.call = use
        assert code_of(lambda: archive.read(2), ClosedError) == "python.busy"
    inner.call = None
    assert archive.read(2) == FILES["screenshot/a/1.png"]
    out = Calling()
    writer = owner.archive_writer(out)
    for use in (lambda: writer.add("more", b""), writer.finish, writer.close):
        out.call = use
        code = code_of(lambda: writer.add("file", bytes(1_000_000)))
        # The first time, in the middle of a file: no other can follow.
        assert code in ("python.busy", "archive.too-long")


def test_a_file_object_may_close_the_owner_while_the_archive_is_completed() -> None:
    own, _ = new_owner()

    class Closing(io.BytesIO):
        def write(self, data: Any, /) -> int:
            own.close()
            return super().write(data)

    out = Closing()
    with own.archive_writer(out) as writer:
        writer.add("file", b"content")
    assert out.getvalue()


def vector_cases() -> list[Any]:
    cases = []
    for name in ("archive", "archive_refused", "archive_paths", "archive_damaged"):
        for number, group in enumerate(json.loads((VECTORS / f"{name}.json").read_text())["testGroups"]):
            for test in group["tests"]:
                cases.append(pytest.param(name, number, group, test, id=f"{name}-{number}-{test['tcId']}"))
    return cases


RESTORED: dict[tuple[str, int], Restored] = {}


def restored(name: str, number: int, group: dict[str, Any]) -> Restored:
    if (name, number) not in RESTORED:
        key = RecoveryKey.parse(group["recoveryKey"])
        RESTORED[name, number] = Backup.parse(group["backup"]).open_with_recovery_key(key)
    return RESTORED[name, number]


def edited(group: dict[str, Any], test: dict[str, Any], what: str) -> bytes:
    if what in test:
        return bytes.fromhex(test[what])
    whole, out, at = bytes.fromhex(group[what]), b"", 0
    for place, dropped, put in test["edits"]:
        out += whole[at:place]
        out += bytes.fromhex(put) if isinstance(put, str) else whole[put[0] : put[0] + put[1]]
        at = place + dropped
    return out + whole[at:]


@pytest.mark.parametrize(("name", "number", "group", "test"), vector_cases())
def test_the_vectors_of_archives(name: str, number: int, group: dict[str, Any], test: dict[str, Any]) -> None:
    keys, sealed = restored(name, number, group), edited(group, test, "archive")
    if test["result"] == "invalid":
        assert code_of(lambda: keys.open_archive(io.BytesIO(sealed))) == test["expect"]
        return
    archive = keys.open_archive(io.BytesIO(sealed))
    assert archive.listing == test["listing"]
    if "made" in test:
        assert archive.made == datetime.fromtimestamp(test["made"] // 1000, timezone.utc) + timedelta(
            milliseconds=test["made"] % 1000
        )
    assert len(archive.files) == len(test["files"])
    for file, expected in zip(archive.files, test["files"]):
        assert (file.path, file.length) == (expected["path"], expected["length"])
        assert file.modified == datetime.fromtimestamp(expected["modified"], timezone.utc)
        if "sha256" in expected:
            assert hashlib.sha256(archive.read(file.path)).hexdigest() == expected["sha256"]
        else:
            assert code_of(lambda: archive.read(file.path)) == expected["expect"]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the independent implementation needs Python 3.10")
def test_the_independent_implementation_opens_what_is_written_here(owner: Owner, tmp_path: Path) -> None:
    if subprocess.run([sys.executable, "-c", "import cryptography"], capture_output=True, check=False).returncode:
        pytest.skip("it needs the package cryptography")
    backup, key = owner.backup_with_recovery_key()
    (tmp_path / "backup").write_text(backup.to_text())
    (tmp_path / "archive").write_bytes(archive_of(owner))
    program = VECTORS / "verify_python" / "open_archive.py"
    arguments: list[Any] = [tmp_path / "backup", tmp_path / "archive", "-o", tmp_path / "out"]
    secret = key.to_text()
    run = subprocess.run(
        [sys.executable, program, *arguments], input=secret + "\n", capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    for path, content in FILES.items():
        assert (tmp_path / "out" / path).read_bytes() == content
        assert os.stat(tmp_path / "out" / path).st_mtime == int(NOW.timestamp())
