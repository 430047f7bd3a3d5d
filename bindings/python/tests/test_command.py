"""`python -m blindtally reveal` turns tokens in a stream into words and passes all else as it is."""

from __future__ import annotations

import os
import pty
import random
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from accounts import CHEAP, enrolled, new_owner

from blindtally import Agent, Owner, TokenClass

COMMAND = [sys.executable, "-m", "blindtally", "reveal"]
VALUES = [
    "winword.exe",
    "",
    "Résumé – 履歴書 👩‍💻.docx",
    "עברית \u202eexe.gpj",
    "line\r\n\x1b[2J\x9b31m\x00",
    "x" * 4096,
]


class Files(NamedTuple):
    backup: Path
    key: Path
    passphrase_backup: Path
    passphrase: Path
    tokens: list[str]
    foreign: str
    unknown: str

    def arguments(self) -> list[str]:
        return ["--backup", str(self.backup), "--secret-file", str(self.key)]


def account() -> tuple[Owner, Agent]:
    owner, change = new_owner()
    change.committed()
    return owner, enrolled(owner)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("command")
    owner, agent = account()
    backup, key = owner.backup_with_recovery_key()
    by_passphrase = owner.backup_with_passphrase("a longer phrase für Anna", kdf=CHEAP)
    tokens = agent.tokenize_many(TokenClass.TITLE, VALUES)
    owner.rotate().committed()
    unknown = owner.retokenize(tokens[0])
    foreign = account()[1].tokenize(TokenClass.TITLE, "winword.exe")
    contents = {
        "backup.txt": backup.to_text(),
        "key.txt": key.to_text() + "\n",
        "passphrase-backup.txt": by_passphrase.to_text(),
        "passphrase.txt": "a longer phrase für Anna\r\nanother line\n",
    }
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values()):
        path.write_text(content, encoding="utf-8", newline="")
    return Files(*paths, list(tokens), foreign, unknown)


def run(arguments: list[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], input=given, capture_output=True, timeout=120, start_new_session=True)


def revealed(files: Files, given: bytes, *more: str) -> bytes:
    result = run([*files.arguments(), *more], given)
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout


def test_tokens_become_words_and_all_else_stays(files: Files) -> None:
    first, empty = files.tokens[:2]
    given = f'{{"app":"{first}","n":1}}\n{first},{first}\t<{empty}>\r\nbt1 xbt1_y bt\n{first}'.encode()
    assert (
        revealed(files, given)
        == b'{"app":"winword.exe","n":1}\nwinword.exe,winword.exe\t<>\r\nbt1 xbt1_y bt\nwinword.exe'
    )
    assert revealed(files, b"") == b""
    # A letter before or after makes it another word.
    assert revealed(files, f"a{first} -{first}".encode()) == f"a{first} -{first}".encode()


def test_what_a_terminal_would_obey_is_written_out_unless_exact(files: Files) -> None:
    given = "\n".join(files.tokens).encode() + b"\n\x1b[1mplain\x1b[0m"
    exact = "\n".join(VALUES).encode() + b"\n\x1b[1mplain\x1b[0m"
    assert revealed(files, given, "--exact") == exact
    shown = revealed(files, given).decode()
    assert "עברית \\u{202e}exe.gpj" in shown
    assert "line\\u{d}\\u{a}\\u{1b}[2J\\u{9b}31m\\u{0}" in shown
    assert "Résumé – 履歴書 👩\\u{200d}💻.docx" in shown
    # What came as it was goes as it was.
    assert shown.endswith("\n\x1b[1mplain\x1b[0m")


def test_bytes_that_are_no_text_pass(files: Files) -> None:
    noise = random.Random(7).randbytes(300_000)
    token = files.tokens[0].encode()
    assert revealed(files, noise + b"\xff" + token + b"\xfe" + noise) == noise + b"\xffwinword.exe\xfe" + noise


def test_wherever_the_stream_is_cut_the_result_is_the_same(files: Files) -> None:
    randomly = random.Random(20261122)
    words, parts = [], []
    for _ in range(300):
        index = randomly.randrange(len(VALUES) - 1)
        between = randomly.choice([b" ", b"\n", b"|", b"\xff", b" bt1 ", " – ".encode()])
        parts += [files.tokens[index].encode(), between]
        words += [VALUES[index].encode(), between]
    given, expected = b"".join(parts), b"".join(words)
    for _ in range(3):
        process = subprocess.Popen(
            [*COMMAND, *files.arguments(), "--exact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert process.stdin and process.stdout
        cuts = sorted(randomly.sample(range(len(given)), 400))
        reader = threading.Thread(target=lambda: results.append(process.stdout.read()))  # type: ignore[union-attr]
        results: list[bytes] = []
        reader.start()
        for start, end in zip([0, *cuts], [*cuts, len(given)]):
            process.stdin.write(given[start:end])
        process.stdin.close()
        reader.join()
        assert results[0] == expected
        assert process.wait() == 0


def test_every_cut_of_a_token_is_found(files: Files) -> None:
    from blindtally.__main__ import TEXT_MAX, Filter

    class Keys:
        def reveal_many(self, tokens: list[str], *, errors: str) -> list[str]:
            return [f"<{len(token)}>" for token in tokens]

    longest = "bt1_" + "A" * (TEXT_MAX - 4)
    for text, expected in [
        (f"a {files.tokens[0]}, b bt1", "a <52>, b bt1"),
        (f"{longest} {longest}A", f"<{TEXT_MAX}> {longest}A"),
    ]:
        given = text.encode()
        for cut in range(1, len(given)):
            stream = Filter(Keys(), str)  # type: ignore[arg-type]
            assert stream.feed(given[:cut]) + stream.feed(given[cut:]) + stream.finish() == expected.encode()
        stream = Filter(Keys(), str)  # type: ignore[arg-type]
        assert (
            b"".join(stream.feed(given[at : at + 1]) for at in range(len(given))) + stream.finish() == expected.encode()
        )


def test_the_longest_token_is_as_long_as_is_held_back(files: Files) -> None:
    from blindtally.__main__ import TEXT_MAX

    assert max(map(len, files.tokens)) <= TEXT_MAX
    assert revealed(files, files.tokens[5].encode()) == b"x" * 4096


def test_a_line_is_passed_on_before_the_next_one_comes(files: Files) -> None:
    process = subprocess.Popen([*COMMAND, *files.arguments()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin and process.stdout
    for _ in range(3):
        process.stdin.write(f"{files.tokens[0]}\n".encode())
        # Would wait for ever if it were held back.
        assert process.stdout.read(12) == b"winword.exe\n"
    process.stdin.write(b"no token, and no line")
    assert process.stdout.read(17) == b"no token, and no "
    process.stdin.close()
    assert process.stdout.read() == b"line"
    assert process.wait() == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_much_passes_in_constant_memory(files: Files) -> None:
    token = files.tokens[0].encode()
    block = b"".join(
        b'%d,"%s",some more text of a line, as there is in a log\n' % (number, token) for number in range(1000)
    )
    expected = block.replace(token, b"winword.exe")
    blocks = (50 << 20) // len(block)
    process = subprocess.Popen([*COMMAND, *files.arguments()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    given = process.stdin

    def feed() -> None:
        for _ in range(blocks):
            given.write(block)
        # A run without an end is not kept either.
        for _ in range(100):
            given.write(b"A" * 100_000)
        given.flush()

    feeder = threading.Thread(target=feed)
    feeder.start()
    for _ in range(blocks):
        assert process.stdout.read(len(expected)) == expected
    assert process.stdout.read(10_000_000) == b"A" * 10_000_000
    feeder.join()
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    given.close()
    assert process.wait() == 0
    assert peak and int(peak[1]) < 64 << 10


def test_what_cannot_be_read_stays_and_is_counted(files: Files) -> None:
    given = f"{files.tokens[0]} {files.foreign} {files.unknown} bt1_x bt1_{'A' * 9000}".encode()
    result = run(files.arguments(), given)
    assert result.returncode == 0
    assert result.stdout == given.replace(files.tokens[0].encode(), b"winword.exe")
    assert result.stderr.decode() == (
        "1 token(s) revealed; left as they are: 1 of an epoch that is not known here, 3 damaged or foreign\n"
    )


def test_a_passphrase_opens_what_it_locks(files: Files) -> None:
    by_file = ["--backup", str(files.passphrase_backup), "--secret-file", str(files.passphrase)]
    assert run(by_file, files.tokens[0].encode()).stdout == b"winword.exe"
    # From the text's own descriptor, its first line.
    by_fd = ["--backup", str(files.passphrase_backup), "--secret-fd", "0"]
    given = "a longer phrase für Anna\n".encode() + files.tokens[0].encode()
    assert run(by_fd, given).stdout == b"winword.exe"


def test_a_secret_comes_from_a_descriptor(files: Files) -> None:
    reading, writing = os.pipe()
    os.write(writing, files.key.read_bytes())
    os.close(writing)
    command = [*COMMAND, "--backup", str(files.backup), "--secret-fd", str(reading)]
    result = subprocess.run(command, input=files.tokens[0].encode(), capture_output=True, pass_fds=[reading])
    os.close(reading)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"winword.exe", b"")


def test_without_one_it_is_asked_for_at_the_terminal_not_in_the_text(files: Files) -> None:
    command = [*COMMAND, "--backup", str(files.backup)]
    child, terminal = pty.fork()
    if child == 0:
        # The text comes by a pipe, as ever; the terminal is only what controls this session.
        result = subprocess.run(command, input=files.tokens[0].encode(), stdout=subprocess.PIPE)
        os.write(1, b"<%s>" % result.stdout)
        os._exit(result.returncode)
    seen = b""
    while b"Recovery key of the backup: " not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, files.key.read_bytes())
    while b">" not in seen:
        seen += os.read(terminal, 1000)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"<winword.exe>" in seen
    assert files.key.read_bytes().strip() not in seen
    os.close(terminal)


def failure(arguments: list[str], given: bytes = b"some text") -> tuple[int, str]:
    result = run(arguments, given)
    assert result.stdout == b""
    text = result.stderr.decode()
    line = re.fullmatch(r"error: [^\n]+ \(([a-z.-]+)\)\n", text)
    assert line, text
    return result.returncode, line[1]


def test_whatever_fails_is_one_line_with_a_code(files: Files, tmp_path: Path) -> None:
    secret = ["--secret-file", str(files.key)]

    def written(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    other = written("other", account()[0].backup_with_recovery_key()[1].to_text().encode())
    backup = ["--backup", str(files.backup)]
    assert failure([*backup, "--secret-file", other]) == (1, "unlock.wrong")
    assert failure([*backup, "--secret-file", written("mistyped", b"ABCD-EFGH")])[0] == 1
    assert failure([*backup, "--secret-file", written("empty", b"")]) == (1, "password.unreadable")
    assert failure([*backup, "--secret-file", written("long", b"x" * 5000)]) == (1, "password.unreadable")
    assert failure([*backup, "--secret-file", written("bytes", b"\xff\xfe\n")])[0] == 1
    assert failure([*backup, "--secret-file", str(tmp_path / "none")]) == (1, "password.unreadable")
    assert failure([*backup, "--secret-fd", "99"]) == (1, "password.unreadable")
    # There is no terminal in this session, and the text is not asked.
    assert failure(backup, files.key.read_bytes()) == (1, "password.unreadable")
    assert failure(["--backup", str(tmp_path / "none"), *secret]) == (1, "file.unreadable")
    assert failure(["--backup", str(tmp_path), *secret]) == (1, "file.unreadable")
    assert failure(["--backup", written("binary", b"\xff\x00"), *secret]) == (1, "file.unreadable")
    status, code = failure(["--backup", written("text", b"no backup"), *secret])
    assert status == 1 and code.startswith("malformed.")
    wrong_phrase = [
        "--backup",
        str(files.passphrase_backup),
        "--secret-file",
        written("phrase", b"not this phrase at all\n"),
    ]
    assert failure(wrong_phrase) == (1, "unlock.wrong")
    assert failure(["--backup", "two\nlines\x1b[2J", *secret]) == (1, "file.unreadable")


def test_a_wrong_command_line_is_one_line_too(files: Files) -> None:
    for arguments in ([], ["--backup"], [*files.arguments(), "--secret-fd", "3"], [*files.arguments(), "--what"]):
        assert failure(arguments) == (2, "usage")
    result = subprocess.run([sys.executable, "-m", "blindtally"], capture_output=True)
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1)


def test_a_reader_that_has_seen_enough_ends_it_quietly(files: Files) -> None:
    process = subprocess.Popen(
        [*COMMAND, *files.arguments()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    try:
        for _ in range(100):
            process.stdin.write(b"text\n" * 10_000)
        process.stdin.close()
    except BrokenPipeError:
        pass
    assert process.stderr.read() == b""
    assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_output_that_cannot_be_written_is_an_error(files: Files) -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run([*COMMAND, *files.arguments()], input=b"text", stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert re.fullmatch(rb"error: [^\n]+ \(output\.failed\)\n", result.stderr)


def test_an_interrupt_ends_it_without_a_traceback(files: Files) -> None:
    process = subprocess.Popen(
        [*COMMAND, *files.arguments()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(b"text\n")
    process.stdin.flush()
    # It is at work.
    assert process.stdout.read(5) == b"text\n"
    process.send_signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT
    assert process.stderr.read() == b""
