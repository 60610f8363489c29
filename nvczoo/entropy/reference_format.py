"""Bytes of the coder's stream for the reference coder: numbers, lane states, header."""

from dataclasses import dataclass

from nvczoo.errors import CorruptStream, TruncatedStream, UnsupportedStream

VERSION = 2
LOG2_MAX_LANES = 6
MAX_STREAMS = 1024
VARINT_BYTES = 7
STATE_LOW = 1 << 16
CHECKED, MULTI, FINGERPRINT = (1 << bit for bit in range(2, 5))
MORE_FLAGS = 0x80


class ByteReader:
    """Reads bytes one after the other; a missing one raises TruncatedStream."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._held = 0  # bits of the last byte that are not used up
        self._held_count = 0

    def byte(self) -> int:
        """Return the next byte."""
        if self._position >= len(self._data):
            raise TruncatedStream("the coded data ends within its header")
        self._position += 1
        return self._data[self._position - 1]

    def varint(self) -> int:
        """Return a number written in groups of seven bits, the lowest first."""
        value = 0
        for index in range(VARINT_BYTES):
            byte = self.byte()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    raise CorruptStream("a number in the coder's header is longer than it need be")
                return value
        raise CorruptStream("a number in the coder's header is too large")

    def states(self, lanes: int) -> list[int]:
        """Return the lane states: for each an exponent of 4 bits, then the bits below the leading one."""
        states = []
        for _ in range(lanes):
            width = self._bits(4) + 16
            states.append((1 << width) + self._bits(width))
        if self._held:
            raise CorruptStream("the padding after the states of the lanes is not zero")
        self._held_count = 0
        return states

    def _bits(self, width: int) -> int:
        while self._held_count < width:
            self._held |= self.byte() << self._held_count
            self._held_count += 8
        value = self._held & ((1 << width) - 1)
        self._held >>= width
        self._held_count -= width
        return value

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        if count > len(self._data) - self._position:
            raise TruncatedStream("the coded data ends within a sub-stream")
        self._position += count
        return self._data[self._position - count : self._position]

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.take(len(self._data) - self._position)


def varint(value: int) -> bytes:
    """Return the number in groups of seven bits, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def stage_widths(lanes: int) -> list[int]:
    """Return how many lanes take part in each stage of a stream."""
    return [1] if lanes == 1 else [lanes, 4, 1] if lanes > 16 else [lanes, 1]


def compact_states(states: list[int]) -> bytes:
    """Return the lane states as ``ByteReader.states`` reads them, padded with zero bits."""
    bits = count = 0
    for state in states:
        width = state.bit_length() - 1
        bits |= (width - 16 | (state - (1 << width)) << 4) << count
        count += 4 + width
    return bits.to_bytes((count + 7) // 8, "little")


@dataclass(frozen=True)
class Header:
    """What stands before the sub-streams."""

    lanes: int
    checked: bool = False
    fingerprint: int | None = None
    lengths: tuple[int, ...] = ()  # bytes of each sub-stream; empty means a single one

    def to_bytes(self) -> bytes:
        """Return the header's bytes."""
        flags = CHECKED * self.checked | MULTI * bool(self.lengths)
        flags |= FINGERPRINT * (self.fingerprint is not None)
        out = [VERSION | (self.lanes.bit_length() - 1) << 4 | MORE_FLAGS * bool(flags)]
        out += [flags] * bool(flags)
        out += [] if self.fingerprint is None else [self.fingerprint]
        if not self.lengths:
            return bytes(out)
        return bytes(out) + varint(len(self.lengths)) + b"".join(map(varint, self.lengths))


def read_header(reader: ByteReader) -> Header:
    """Return the header; the reader is then at the first sub-stream."""
    first = reader.byte()
    log2_lanes = first >> 4 & 7
    flags = reader.byte() if first & MORE_FLAGS else 0
    if first & 15 != VERSION or log2_lanes > LOG2_MAX_LANES or flags & ~(CHECKED | MULTI | FINGERPRINT):
        raise UnsupportedStream("the coded data has a version or feature that this coder does not know")
    if first & MORE_FLAGS and not flags:
        raise CorruptStream("the coder's header announces flags but has none")
    fingerprint = reader.byte() if flags & FINGERPRINT else None
    lengths: tuple[int, ...] = ()
    if flags & MULTI:
        streams = reader.varint()
        if not 2 <= streams <= MAX_STREAMS:
            raise CorruptStream(f"the coded data claims {streams} sub-streams")
        lengths = tuple(reader.varint() for _ in range(streams))
    return Header(1 << log2_lanes, bool(flags & CHECKED), fingerprint, lengths)
