"""The content of blobs as Python's own files: what ``Agent.blob_writer``, ``OpeningKeys.blob_reader``,
``OpeningKeys.blob_file`` and ``Archive.tar`` give. Nobody else makes one.

They are raw files: put an ``io.BufferedReader`` around one to read little pieces, an ``io.TextIOWrapper`` around that to read
text. None of them closes the file object that it reads from or writes to. One call at a time uses one: a second one, of
another thread or of the file object itself, raises ClosedError (``python.busy``). Bytes that were given belong to Python, and
are not wiped.
"""

from __future__ import annotations

import io
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import ClosedError

if TYPE_CHECKING:
    from ._blindtally import BlobHeader, RawBlobFile, RawBlobReader, RawBlobWriter

__all__ = ["BlobFile", "BlobReader", "BlobWriter"]


class _Blob(io.RawIOBase):
    _raw: RawBlobReader | RawBlobFile | RawBlobWriter | _Finished

    def __init__(self, raw: RawBlobReader | RawBlobFile | RawBlobWriter) -> None:
        self._raw = raw

    @property
    def header(self) -> BlobHeader:
        """What the blob says of itself: its class, epoch, device, id and seq."""
        header: BlobHeader = self._raw.header
        return header

    def close(self) -> None:
        """Wipes the key of the blob and what is left of its content. May be called again.

        Raises ClosedError (python.busy): another call is using it.
        """
        if not self.closed:
            self._raw.close()
            super().close()

    def _check(self) -> None:
        if self.closed:
            raise ClosedError("python.closed", "the file was closed")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"cannot pickle {type(self).__name__!r} object: it holds a key")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'closed' if self.closed else self.header.id})"


class BlobReader(_Blob):
    """The content of a blob, read from its beginning to its end in constant memory.

    What is given is authentic, but it is the whole content only once the end has been read without an error: a blob that is
    damaged or cut off raises BlobError where that shows, and from then on every time.
    """

    _raw: RawBlobReader | RawBlobFile

    def readable(self) -> bool:
        self._check()
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes of content, fewer only before the end and before damage; all that is left if ``size`` is negative.

        Raises BlobError, and whatever the file object raises: nothing is lost by that, and it may be called again.
        """
        content: bytes = self._raw.read(size)
        return content

    def readall(self) -> bytes:
        """All that is left.

        Raises BlobError: what is left is not as it was sealed; the part before can still be read piece by piece.
        """
        content: bytes = self._raw.readall()
        return content

    def readinto(self, buffer: Any, /) -> int:
        """Fills ``buffer`` as far as there is content; gives the number of bytes."""
        with memoryview(buffer) as view, view.cast("B") as room:
            content = self._raw.read(len(room))
            room[: len(content)] = content
            return len(content)


class BlobFile(BlobReader):
    """The content of a blob of which any part can be read; ``len()`` of it is known and authentic.

    Each part is checked when it is read: a damaged one raises BlobError (blob.tampered), others are read all the same.
    """

    _raw: RawBlobFile

    def seekable(self) -> bool:
        self._check()
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Goes to a place: from the beginning, from here (1), or from the end (2). Gives the place.

        Raises ArgumentValueError: it is before the beginning.
        """
        self._check()
        place: int = self._raw.seek(offset, whence)
        return place

    def tell(self) -> int:
        return self.seek(0, io.SEEK_CUR)

    def __len__(self) -> int:
        return len(self._raw)

    def __bool__(self) -> bool:
        return True


class BlobWriter(_Blob):
    """Seals what is written to it, in constant memory.

    The blob is complete once ``finish()`` has returned, which the end of a ``with`` block calls. If an exception leaves the
    block, or if it is closed without, the blob is given up, and so it is if the file object raises: what was written until
    then does not open.
    """

    _raw: RawBlobWriter | _Finished
    _finished = False

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.close()
        elif not self._finished:
            # If another file closed it, such as an io.TextIOWrapper around it, that is said here.
            self.finish()

    def writable(self) -> bool:
        self._check()
        return True

    def write(self, data: Any, /) -> int:
        """Takes all of ``data``: bytes, or whatever else has the buffer protocol. Gives its number of bytes.

        Raises whatever the file object raises; the blob is given up then.
        """
        taken: int = self._raw.write(data)
        return taken

    def flush(self) -> None:
        """Hands on every chunk that is complete; the rest cannot be sealed yet."""
        if not self.closed:
            self._raw.flush()

    def finish(self) -> None:
        """Completes the blob, and closes this writer.

        Raises ClosedError: it was finished or given up. Whatever the file object raises: the blob is given up then.
        """
        try:
            self._raw.finish()
            self._finished = True
        finally:
            self.close()

    def close(self) -> None:
        """Gives the blob up, if it is not finished."""
        if not self.closed:
            self._raw.close()
            # The flush of io.IOBase.close() would be one of a closed writer.
            self._raw = _Finished(self._raw.header)
            super().close()


class _Finished:
    """What is left of a writer."""

    def __init__(self, header: BlobHeader) -> None:
        self.header = header

    def flush(self) -> None:
        """There is nothing left to hand on."""

    def close(self) -> None:
        """It is closed."""

    def write(self, data: Any) -> NoReturn:
        raise ClosedError("python.closed", "the blob was finished or given up")

    def finish(self) -> NoReturn:
        raise ClosedError("python.closed", "the blob was finished or given up")
