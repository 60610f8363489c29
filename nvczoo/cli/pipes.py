"""Streams out of files and pipes, whose header is needed before they are decoded."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import PIPE, opened
from nvczoo.codec.header import StreamHeader
from nvczoo.errors import SettingError
from nvczoo.video.atomic import check_output


@contextmanager
def opened_stream(source: str) -> Iterator[tuple[StreamHeader, BinaryIO]]:
    """Give the header of a stream in a file or on stdin ("-"), and the whole stream as a file."""
    with opened(source) as file:
        if file.seekable():
            start = file.tell()
            header = StreamReader(file).header
            file.seek(start)
            yield header, file
        else:
            recorder = _Recorder(file)
            header = StreamReader(cast(BinaryIO, recorder)).header
            yield header, cast(BinaryIO, _Replay(recorder.taken, file))


def check_files(source: str, target: str, overwrite: bool) -> None:
    """Raise SettingError or VideoError for files that cannot be, before a model is loaded for them.

    Binary data is neither read from a terminal nor written there, and no file is replaced unasked.
    """
    if source == PIPE and sys.stdin.isatty():
        raise SettingError("-i - reads a pipe, and stdin is a terminal: name a file, or pipe one in")
    if target == PIPE and sys.stdout.isatty():
        raise SettingError("-o - is for a pipe, and stdout is a terminal: name a file, or add > FILE")
    if target != PIPE:
        check_output(target, overwrite)


class _Pipe:
    """What of a binary file a ``StreamReader`` needs if it cannot seek."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seekable(self) -> bool:
        return False


class _Recorder(_Pipe):
    """Keeps what is read: a ``StreamReader`` takes no byte more than the header has."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.taken = b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.taken += data
        return data


class _Replay(_Pipe):
    """Gives what was read before, then the rest."""

    def __init__(self, before: bytes, file: BinaryIO) -> None:
        super().__init__(file)
        self._before = io.BytesIO(before)

    def read(self, size: int) -> bytes:
        return self._before.read(size) or self._file.read(size)
