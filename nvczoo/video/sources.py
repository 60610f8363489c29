"""Where bytes come from: files and pipes alike, sought only if they can be and it is needed."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from nvczoo.errors import VideoError


class ByteSource:
    """A binary stream whose first bytes can be looked at before they are read.

    Positions count from where the stream stood when it was handed over. There is no ``name``, so that
    nothing behind it can be led by what the file is called.
    """

    def __init__(self, file: BinaryIO, label: str, owned: bool) -> None:
        self.label = label  # for messages
        self._file = file
        self._owned = owned
        self._ahead = b""
        self._pulled = 0
        self._start = file.tell() if self.seekable() else 0

    def peek(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer at the end, without using them up."""
        while len(self._ahead) < count and (more := self._pull(count - len(self._ahead))):
            self._ahead += more
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Return at most ``count`` bytes; none at the end."""
        if self._ahead:
            taken, self._ahead = self._ahead[:count], self._ahead[count:]
            return taken
        return self._pull(count)

    def fill(self, count: int) -> bytearray:
        """Return ``count`` bytes; fewer only at the end."""
        data = bytearray(self.read(count))
        while len(data) < count and (more := self._pull(count - len(data))):
            data += more
        return data

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether ``seek`` works."""
        with suppress(AttributeError, OSError, ValueError):
            return bool(self._file.seekable())
        return False

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._file.tell() - self._start - len(self._ahead)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, and return it."""
        base = {os.SEEK_SET: self._start, os.SEEK_CUR: -len(self._ahead), os.SEEK_END: 0}[whence]
        self._ahead = b""
        return self._file.seek(base + offset, whence) - self._start

    def end(self) -> int:
        """Return where the bytes end; for a pipe, how many have come so far."""
        if not self.seekable():
            return self._pulled
        here = self.tell()
        end = self.seek(0, os.SEEK_END)
        self.seek(here)
        return end

    def remaining(self) -> int | None:
        """Return the number of bytes left, or None for a pipe."""
        return self.end() - self.tell() if self.seekable() else None

    def close(self) -> None:
        """Close the file if it was opened here."""
        if self._owned:
            self._file.close()

    def _pull(self, count: int) -> bytes:
        try:
            data = self._file.read(count) or b""
        except (OSError, ValueError) as error:
            raise VideoError(f"Reading {self.label} failed: {error}") from error
        self._pulled += len(data)
        return data


def open_source(source: str | os.PathLike[str] | BinaryIO) -> ByteSource:
    """Return the bytes of a path, of stdin ("-") or of a binary file object."""
    if source == "-":
        return ByteSource(sys.stdin.buffer, "standard input", owned=False)
    if isinstance(source, str | os.PathLike):
        try:
            return ByteSource(Path(source).open("rb"), repr(os.fspath(source)), owned=True)
        except OSError as error:
            raise VideoError(f"Cannot open {os.fspath(source)!r}: {error.strerror or error}") from error
    if not hasattr(source, "read"):
        raise VideoError(f"A video is a path, '-' or a binary file object; {type(source).__name__} was given")
    return ByteSource(source, repr(getattr(source, "name", "the file object")), owned=False)
