"""Packets as they come out of a file or pipe, their checksums right and their payload not looked at."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from nvczoo.codec.packet import (
    MAX_LENGTH_BYTES,
    RawPacket,
    checksum_bytes,
    parse_length,
    parse_packet,
    where,
)
from nvczoo.errors import CorruptStream, TruncatedStream

READ_CHUNK = 1 << 20  # bytes asked for at once: a length that lies must not allocate what is not there


@dataclass(frozen=True)
class _Head:
    """The beginning of a packet: type and length."""

    data: bytes
    length: int  # of the payload
    offset: int

    @property
    def type(self) -> int:
        return self.data[0]


class RawPackets:
    """Gives the packets of a file one by one; offsets count from where the file stands when it is given."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._base = file.tell() if file.seekable() else 0
        self.offset = 0  # of the next byte
        self.number = 0  # of the next packet

    @property
    def seekable(self) -> bool:
        """Whether ``go_to`` and ``size`` can be asked for."""
        return self._file.seekable()

    def size(self) -> int:
        """Return the bytes from the beginning to the end of the file; the next must be sought."""
        return self._file.seek(0, io.SEEK_END) - self._base

    def next(self, unwanted: int | None = None) -> RawPacket | None:
        """Return the next packet that is not of an unwanted type, or None at the end of the data.

        Unwanted ones are passed over, unread where the file can be sought, sound or not.
        """
        while (head := self._next_head()) is not None:
            if head.type != unwanted:
                return self._rest_of(head)
            self._pass_over(checksum_bytes(head.length) + head.length)
            self.number += 1
        return None

    def go_to(self, offset: int) -> None:
        """Go on at a byte; raises CorruptStream if there can be none."""
        try:
            self._file.seek(self._base + offset)
        except (OSError, ValueError, OverflowError) as error:
            raise CorruptStream(f"The index points to byte {offset}, where nothing can be") from error
        self.offset = offset

    def _next_head(self) -> _Head | None:
        offset = self.offset
        head = self.take(1)
        if not head:
            return None
        place = where(head[0], self.number, offset)
        while len(head) == 1 or (head[-1] & 0x80 and len(head) <= MAX_LENGTH_BYTES):
            byte = self.take(1)
            if not byte:
                raise TruncatedStream(f"{place} ends within its length")
            head += byte
        length, _ = parse_length(memoryview(head)[1:], place)
        return _Head(head, length, offset)

    def _rest_of(self, head: _Head) -> RawPacket:
        place = where(head.type, self.number, head.offset)
        wanted = checksum_bytes(head.length) + head.length
        rest = self.take(wanted)
        if len(rest) < wanted:
            raise TruncatedStream(f"{place} needs {wanted} bytes more, only {len(rest)} follow")
        raw = parse_packet(head.data + rest, self.number, head.offset)
        self.number += 1
        return raw

    def _pass_over(self, count: int) -> None:
        """Leave bytes out, unread where the file can be sought."""
        if self._file.seekable():
            self.go_to(self.offset + count)
        else:
            self.take(count)

    def take(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer only at the end."""
        data = bytearray()
        while len(data) < count:
            more = self._file.read(min(count - len(data), READ_CHUNK))
            if not more:
                break
            data += more
        self.offset += len(data)
        return bytes(data)
