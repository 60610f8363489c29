"""The frame around everything in a stream: type, length, checksum, payload."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from nvczoo import _coder
from nvczoo.codec.wire import MAX_VARINT_BYTES, ByteWriter
from nvczoo.errors import CorruptStream, TruncatedStream

MAGIC = b"\x89NVC\r\n\x1a\n"  # not text, and damaged by every line-end conversion
MAX_PACKET_BYTES = 1 << 26  # 64 MiB of payload: ten times the raw size of a 1080p picture, at any rate enough
MAX_LENGTH_BYTES = 4  # of the varint that holds a length up to MAX_PACKET_BYTES
SKIPPABLE = 0x80  # bit of the type: a reader that does not know the type goes on with the next packet
SHORT = 1 << 8  # bytes of payload; a checksum of four bytes would be a good part of what is smaller

assert MAX_PACKET_BYTES < 1 << 7 * MAX_LENGTH_BYTES
assert MAX_LENGTH_BYTES <= MAX_VARINT_BYTES


class PacketType(IntEnum):
    """The first byte of a packet."""

    HEADER = 0x01
    FRAME = 0x02
    END = 0x03
    TRACK = 0x84
    INDEX = 0x85
    FOOTER = 0x86
    LAYER = 0x87


class Packet(Protocol):
    """Anything that can stand in a stream."""

    @property
    def type(self) -> int:
        """The packet's first byte."""
        ...

    def to_bytes(self) -> bytes:
        """Return the packet with its frame."""
        ...


@dataclass(frozen=True)
class RawPacket:
    """A packet whose checksum is right and whose payload has not been looked at."""

    type: int
    payload: memoryview
    number: int  # place in the stream, from 0
    offset: int  # of its first byte, from the start of the stream
    size: int  # with its frame

    @property
    def where(self) -> str:
        """The packet's place, for messages."""
        return where(self.type, self.number, self.offset)


def where(packet_type: int, number: int, offset: int) -> str:
    """Return a packet's place in words."""
    known = packet_type in list(PacketType)
    name = PacketType(packet_type).name.lower() if known else f"type {packet_type:#04x}"
    return f"Packet {number} ({name}) at byte {offset}"


def framed(packet_type: int, payload: bytes) -> bytes:
    """Return the packet: type, varint length, checksum of these and of the payload, payload."""
    head = ByteWriter().fixed("B", packet_type).varint(len(payload)).bytes()
    return head + _checksum(head, payload) + payload


def checksum_bytes(length: int) -> int:
    """Return the bytes of a packet's checksum, by those of its payload."""
    return 2 if length < SHORT else 4


def _checksum(head: bytes | memoryview, payload: bytes | memoryview) -> bytes:
    """Return the low bytes of the CRC-32C of both."""
    checksum = crc32c(payload, crc32c(head))
    return checksum.to_bytes(4, "little")[: checksum_bytes(len(payload))]


def crc32c(data: bytes | memoryview, initial: int = 0) -> int:
    """Return the CRC-32C (Castagnoli) of ``data``, going on from ``initial``."""
    return _coder.crc32c(data, initial)


def parse_packet(data: bytes | memoryview, number: int = 0, offset: int = 0) -> RawPacket:
    """Return the one packet that ``data`` holds."""
    view = memoryview(data)
    if not view:
        raise TruncatedStream(f"Packet {number} at byte {offset} is empty")
    place = where(view[0], number, offset)
    length, head = parse_length(view[1 : 1 + MAX_LENGTH_BYTES], place)
    start = 1 + head + checksum_bytes(length)
    if len(view) < start + length:
        raise TruncatedStream(f"{place} needs {start + length} bytes, {len(view)} are there")
    if len(view) > start + length:
        raise CorruptStream(f"{place} has {len(view)} bytes, but says that it has {start + length}")
    payload = view[start:]
    if _checksum(view[: 1 + head], payload) != view[1 + head : start]:
        raise CorruptStream(f"{place} is damaged: its checksum does not match")
    return RawPacket(view[0], payload, number, offset, len(view))


def parse_length(view: memoryview, place: str) -> tuple[int, int]:
    """Return the length in a packet's head, and how many bytes it takes."""
    length = 0
    for at, byte in enumerate(view):
        length |= (byte & 0x7F) << 7 * at
        if byte < 0x80:
            if length > MAX_PACKET_BYTES or (byte == 0 and at):
                raise CorruptStream(f"{place} has the length {length}; {MAX_PACKET_BYTES} is the most")
            return length, at + 1
    if len(view) < MAX_LENGTH_BYTES:
        raise TruncatedStream(f"{place} ends within its length")
    raise CorruptStream(f"{place} has a length of more than {MAX_LENGTH_BYTES} bytes")
