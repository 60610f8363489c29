import io
import os
from typing import BinaryIO, cast

import pytest

from nvczoo.errors import VideoError
from nvczoo.video.sources import ByteSource, open_source


class Dribble(io.RawIOBase):
    """A pipe that gives one byte at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        return self._data.read(min(count, 1))


def test_peeking_uses_nothing_up() -> None:
    source = ByteSource(io.BytesIO(b"abcdef"), "here", owned=False)

    assert source.peek(3) == b"abc"
    assert source.peek(5) == b"abcde"
    assert source.tell() == 0
    assert source.read(2) == b"ab"
    assert source.fill(10) == b"cdef"
    assert source.peek(1) == b""


def test_a_slow_pipe_is_read_to_the_byte() -> None:
    source = ByteSource(cast(BinaryIO, Dribble(b"abcdef")), "here", owned=False)

    assert not source.seekable()
    assert source.remaining() is None
    assert source.peek(4) == b"abcd"
    assert source.fill(5) == b"abcde"
    assert source.end() == 6 - 1


def test_positions_count_from_where_the_stream_stood() -> None:
    file = io.BytesIO(b"--abcdef")
    file.seek(2)
    source = ByteSource(file, "here", owned=False)
    source.peek(4)

    assert (source.tell(), source.end(), source.remaining()) == (0, 6, 6)
    assert source.seek(-1, os.SEEK_END) == 5
    assert source.read(9) == b"f"
    assert source.seek(1) == 1
    assert source.seek(2, os.SEEK_CUR) == 3
    assert source.read(1) == b"d"


@pytest.mark.parametrize("source", [3, None, ["a.mkv"]])
def test_what_is_no_source_is_refused(source: object) -> None:
    with pytest.raises(VideoError, match="a path, '-' or a binary file object"):
        open_source(source)  # pyright: ignore[reportArgumentType]


def test_a_missing_file_is_reported_by_name() -> None:
    with pytest.raises(VideoError, match=r"Cannot open 'missing.mkv'"):
        open_source("missing.mkv")
