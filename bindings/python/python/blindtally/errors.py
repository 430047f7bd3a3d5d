"""What is refused, and why: one small class for each thing that is done, all with the code that every language reports."""

from __future__ import annotations


class BlindtallyError(Exception):
    """Something was refused, and nothing has changed by it.

    ``code`` is stable and the same in every language (SPEC.md has the list); those that begin with ``python.`` are of this
    package. ``index`` is the place in a batch, counted from 0, or None. A message never holds plaintext, a key or a token.
    """

    def __init__(self, code: str, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.index = index

    def __str__(self) -> str:
        at = "" if self.index is None else f" (item {self.index})"
        return f"{self.args[0]} [{self.code}]{at}"

    def __reduce__(self) -> tuple[type[BlindtallyError], tuple[str, str, int | None]]:
        return type(self), (self.code, self.args[0], self.index)


class ArgumentTypeError(BlindtallyError, TypeError):
    """An argument is of a type that is not taken (``python.type``)."""


class ArgumentValueError(BlindtallyError, ValueError):
    """An argument is out of range, or a text without UTF-8 (``python.value``, ``python.surrogate``)."""


class ClosedError(BlindtallyError, ValueError):
    """What is used was closed, or was used up by an earlier call (``python.closed``)."""


class MalformedError(BlindtallyError, ValueError):
    """Bytes or text are not an artefact of this library (``malformed.*``)."""


class EntropyError(BlindtallyError, OSError):
    """The operating system gives no randomness (``entropy.unavailable``)."""


class CredentialError(BlindtallyError, ValueError):
    """A password, login name, account secret or recovery key was refused before use."""


class UnlockError(BlindtallyError):
    """A vault or a backup did not open."""


class OwnerError(BlindtallyError):
    """An operation of the owner's was refused."""


class EnrollmentError(BlindtallyError):
    """A request for keys was not made, or was refused by the owner's side."""


class AcceptError(BlindtallyError):
    """An agent did not take a delivery or a policy."""


class StateError(BlindtallyError):
    """The state of an agent could not be restored."""


class TokenizeError(BlindtallyError):
    """A value was not tokenized."""


class RevealError(BlindtallyError):
    """A token was not revealed."""


class RecordError(BlindtallyError):
    """A record was not sealed or opened."""


class BlobError(BlindtallyError):
    """A blob was not sealed or opened."""


class ArchiveError(BlindtallyError):
    """An archive, or a file in it, was not written or read."""
