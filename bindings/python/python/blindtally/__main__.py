"""`python -m blindtally reveal`: any text in, the same text out with its tokens revealed, however much there is."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable
from typing import NoReturn

from . import Backup, OpeningKeys, RecoveryKey
from .errors import BlindtallyError

CHUNK = 64 << 10
PREFIX = b"bt1_"
RUN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
# What may be a token: a whole run of letters, digits, `_` and `-` that begins with the prefix (SPEC.md#token-text).
CANDIDATE = re.compile(rb"bt1_(?<![A-Za-z0-9_-]bt1_)[A-Za-z0-9_-]*")
# Text of the longest token: the header, a value of 4,096 bytes and its padding, and the tag, in base64url.
TEXT_MAX = len(PREFIX) + -(-(4 + 4096 + 256 + 16) * 4 // 3)
# Longest line that is read as a secret, in bytes.
SECRET_MAX = 4096

# Controls (UAX #44 category Cc), what turns the direction of text around (UAX #9), separators of lines and paragraphs,
# and what prints as nothing.
TREACHEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class Failure(Exception):
    """Why the command ends without having done what was asked: a code for machines, a sentence for people."""

    def __init__(self, code: str, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class ReaderLeft(Exception):
    """Whoever read the output has seen enough."""


def main() -> int:
    try:
        arguments = _command_line().parse_args()
        with _open_backup(arguments) as keys:
            _reveal(keys, exact=arguments.exact)
        return 0
    except ReaderLeft:
        return 0
    except Failure as failure:
        _say(f"error: {failure} ({failure.code})")
        return failure.status
    except BlindtallyError as error:
        _say(f"error: {error.args[0]} ({error.code})")
        return 1
    except KeyboardInterrupt:
        # As a filter without a handler would end, so that a shell knows why.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        return 130


def _command_line() -> argparse.ArgumentParser:
    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise Failure("usage", message, status=2)

    parser = Parser(prog="python -m blindtally", description="End-to-end encryption for activity data.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    reveal = commands.add_parser(
        "reveal",
        help="any text from stdin to stdout, its tokens revealed",
        description="Passes text from stdin to stdout, its tokens revealed. All else passes as it is.",
    )
    reveal.add_argument("--backup", metavar="FILE", required=True, help="read with the keys of this backup")
    secret = reveal.add_mutually_exclusive_group()
    secret.add_argument(
        "--secret-file", metavar="FILE", help="its passphrase or recovery key is the first line of this file"
    )
    secret.add_argument(
        "--secret-fd", metavar="N", type=int, help="its passphrase or recovery key is the next line of this descriptor"
    )
    reveal.add_argument("--exact", action="store_true", help="write control characters as they are: only into files")
    return parser


def _open_backup(arguments: argparse.Namespace) -> OpeningKeys:
    try:
        with open(arguments.backup, encoding="utf-8", newline="") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("file.unreadable", f"{arguments.backup} cannot be read: {_why(error)}") from None
    backup = Backup.parse(text)
    by_passphrase = backup.lock == "passphrase"
    secret = _secret(arguments, "Passphrase" if by_passphrase else "Recovery key")
    try:
        if by_passphrase:
            return backup.open_with_passphrase(secret)
        return backup.open_with_recovery_key(RecoveryKey.parse(secret))
    finally:
        secret[:] = bytes(len(secret))


def _secret(arguments: argparse.Namespace, what: str) -> bytearray:
    """One line from where the command line says, or from the terminal: stdin is the text."""
    if arguments.secret_fd is not None:
        return _line(arguments.secret_fd, f"file descriptor {arguments.secret_fd}")
    if arguments.secret_file is not None:
        try:
            fd = os.open(arguments.secret_file, os.O_RDONLY)
        except OSError as error:
            raise _unreadable(arguments.secret_file, error) from None
        try:
            return _line(fd, arguments.secret_file)
        finally:
            os.close(fd)
    try:
        with warnings.catch_warnings():
            # Without a terminal, getpass would warn, and then take a line of the text for the secret.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return bytearray(getpass.getpass(f"{what} of the backup: "), "utf-8")
    except (OSError, EOFError, UnicodeError, getpass.GetPassWarning):
        raise Failure(
            "password.unreadable", "there is no terminal to ask at: use --secret-file or --secret-fd"
        ) from None


def _line(fd: int, name: str) -> bytearray:
    """Read byte by byte: what follows belongs to somebody else."""
    line = bytearray()
    try:
        while (byte := os.read(fd, 1)) not in (b"", b"\n"):
            line += byte
            if len(line) > SECRET_MAX:
                raise _unreadable(name, "its line is too long")
    except OSError as error:
        raise _unreadable(name, error) from None
    if not line and not byte:
        raise _unreadable(name, "it ends where a line was expected")
    if line.endswith(b"\r"):
        line.pop()
    return line


def _unreadable(name: str, why: OSError | str) -> Failure:
    return Failure("password.unreadable", f"{name} cannot be read: {why if isinstance(why, str) else _why(why)}")


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not UTF-8"


def _reveal(keys: OpeningKeys, *, exact: bool) -> None:
    revealing = Filter(keys, _exactly if exact else visible)
    while True:
        try:
            chunk = os.read(0, CHUNK)
        except OSError as error:
            raise Failure("input.failed", _why(error)) from None
        _write(revealing.feed(chunk) if chunk else revealing.finish())
        if not chunk:
            break
    if revealing.unknown + revealing.damaged > 0:
        _say(
            f"{revealing.revealed} token(s) revealed; left as they are: {revealing.unknown} of an epoch that is not "
            f"known here, {revealing.damaged} damaged or foreign"
        )


class Filter:
    """Replaces tokens in a stream of bytes. No more than the longest token is ever held back."""

    def __init__(self, keys: OpeningKeys, shown: Callable[[str], str]) -> None:
        self.keys = keys
        self.shown = shown
        self.revealed: int = 0
        self.unknown: int = 0
        self.damaged: int = 0
        # The run at the end of what came, while it may become a token.
        self.held: bytes = b""
        # Whether what came ends in a run that cannot.
        self.in_other: bool = False

    def feed(self, more: bytes) -> bytes:
        """Takes the next bytes, and gives what can be told."""
        passed = b""
        if self.in_other:
            rest = more.lstrip(RUN)
            passed, more = more[: len(more) - len(rest)], rest
            if not more:
                return passed
            self.in_other = False
        text = self.held + more
        ended = len(text.rstrip(RUN))
        ended_text, run = text[:ended], text[ended:]
        self.held = b""
        if run[: len(PREFIX)] == PREFIX[: len(run)] and len(run) <= TEXT_MAX:
            self.held, run = run, b""
        elif run:
            self.in_other = True
            self.damaged += run.startswith(PREFIX)
        return passed + self._replaced(ended_text) + run

    def finish(self) -> bytes:
        held, self.held = self.held, b""
        return self._replaced(held)

    def _replaced(self, text: bytes) -> bytes:
        found = list(CANDIDATE.finditer(text))
        if not found:
            return text
        results = iter(
            self.keys.reveal_many([match[0].decode() for match in found if len(match[0]) <= TEXT_MAX], errors="return")
        )
        parts, end = [], 0
        for match in found:
            result = next(results) if len(match[0]) <= TEXT_MAX else None
            if isinstance(result, str):
                self.revealed += 1
                parts += [text[end : match.start()], self.shown(result).encode()]
                end = match.end()
            elif result is not None and result.code == "reveal.no-key":
                self.unknown += 1
            else:
                self.damaged += 1
        parts.append(text[end:])
        return b"".join(parts)


def visible(text: str) -> str:
    """Text that somebody else chose; what would move the cursor, reorder the line or hide is written as ``\\u{..}``."""
    return TREACHEROUS.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text)


def _exactly(text: str) -> str:
    return text


def _write(data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(1, rest) :]
    except BrokenPipeError:
        raise ReaderLeft from None
    except OSError as error:
        raise Failure("output.failed", f"the output cannot be written: {_why(error)}") from None


def _say(text: str) -> None:
    try:
        print(visible(text), file=sys.stderr, flush=True)
    except OSError:
        # Whether anybody reads it or not, the exit status says it too.
        pass


if __name__ == "__main__":
    sys.exit(main())
