"""A stream in a file or pipe: packets one after the other, and an index at the end of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.header import StreamHeader
from nvczoo.codec.packet import (
    CRC_BYTES,
    MAGIC,
    MAX_LENGTH_BYTES,
    SKIPPABLE,
    PacketType,
    RawPacket,
    parse_length,
    parse_packet,
    where,
)
from nvczoo.codec.packets import (
    FOOTER_BYTES,
    EndPacket,
    FooterPacket,
    IndexPacket,
    track_packet_bytes,
    track_packet_from,
)
from nvczoo.errors import (
    CorruptStream,
    NvczooError,
    SettingError,
    StreamError,
    TruncatedStream,
    UnsupportedStream,
)
from nvczoo.video.tracks import TrackPacket

READ_CHUNK = 1 << 20  # bytes asked for at once: a length that lies must not allocate what is not there

Packet = StreamHeader | FramePacket | TrackPacket | EndPacket  # what a session takes and gives


class StreamWriter:
    """Writes packets in the order they come; never seeks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._header: StreamHeader | None = None
        self._entries: list[tuple[int, int]] = []
        self.written = 0  # bytes

    def write(self, packet: Packet) -> None:
        """Write a packet; the end packet brings index and footer with it."""
        if isinstance(packet, StreamHeader):
            self._header = packet
            self._write(MAGIC + packet.to_bytes())
        elif isinstance(packet, FramePacket):
            assert self._header is not None, "a stream begins with its header"
            if packet.intra:
                self._entries.append((packet.frame, self.written))
            self._write(packet.to_bytes(self._header))
        elif isinstance(packet, TrackPacket):
            self._write(track_packet_bytes(packet))
        else:
            self._write(packet.to_bytes())
            index_offset = self.written
            self._write(IndexPacket(packet.frames, tuple(self._entries)).to_bytes())
            self._write(FooterPacket(index_offset).to_bytes())

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self.written += len(data)


class StreamReader:
    """Iterates over the packets after the header; seeks only if asked to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._base = file.tell() if file.seekable() else 0
        self._offset = 0
        self._number = 0
        magic = self._take(len(MAGIC))
        if magic != MAGIC[: len(magic)] or not magic:
            raise UnsupportedStream("This is no nvczoo stream: it does not begin with the bytes of one")
        first = self._next_raw()
        if first is None or first.type != PacketType.HEADER:
            raise CorruptStream("The stream does not begin with a header")
        self.header = StreamHeader.from_payload(first.payload, first.where)
        self.last: RawPacket = first  # the packet that came last, for messages and statistics

    def __iter__(self) -> Iterator[Packet]:
        """Yield the packets up to the end packet, then check that index and footer follow, and no more."""
        while (raw := self._next_raw()) is not None:
            self.last = raw
            packet = self._parse(raw)
            if packet is not None:
                yield packet
            if isinstance(packet, EndPacket):
                self._check_tail()
                return
        raise TruncatedStream(f"The stream stops after packet {self._number - 1}, without an end packet")

    def entry_before(self, frame: int) -> int:
        """Go to the last intra frame up to ``frame``, by the index, and return its display index."""
        if not self._file.seekable():
            raise StreamError("A pipe cannot be sought: decode from the start, or from a file")
        try:
            index = self._index()
        except TruncatedStream as error:
            raise TruncatedStream(f"The stream has no index to seek by: {error}") from error
        if not 0 <= frame < index.frames:
            raise SettingError(f"The stream has frames 0 to {index.frames - 1}, not {frame}")
        before = [(entry, offset) for entry, offset in index.entries if entry <= frame]
        if not before:
            raise CorruptStream(f"The index names no intra frame up to frame {frame}")
        entry, offset = before[-1]
        self._go_to(offset)
        return entry

    def count_frames(self) -> int | None:
        """Return the frames of the whole stream, or None if only reading it all can tell."""
        if not self._file.seekable():
            return None
        here, number = self._offset, self._number
        try:
            return self._index().frames
        except StreamError:
            return None
        finally:
            self._go_to(here)
            self._number = number

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._offset

    def _parse(self, raw: RawPacket) -> Packet | None:
        if raw.type == PacketType.FRAME:
            return FramePacket.from_payload(raw.payload, raw.where, self.header)
        if raw.type == PacketType.TRACK:
            return track_packet_from(raw.payload, raw.where, self.header)
        if raw.type == PacketType.END:
            return EndPacket.from_payload(raw.payload, raw.where)
        if raw.type in (PacketType.HEADER, PacketType.INDEX, PacketType.FOOTER):
            raise CorruptStream(f"{raw.where} stands where a frame or the end should be")
        if not raw.type & SKIPPABLE:
            raise UnsupportedStream(f"{raw.where} is of an unknown type; install a newer nvczoo")
        return None

    def _check_tail(self) -> None:
        index_offset = self._offset
        for expected in (PacketType.INDEX, PacketType.FOOTER):
            raw = self._next_raw()
            if raw is None:
                raise TruncatedStream(f"The stream ends without its {expected.name.lower()}")
            if raw.type != expected:
                raise CorruptStream(f"{raw.where} stands where the {expected.name.lower()} should be")
            if expected == PacketType.INDEX:
                IndexPacket.from_payload(raw.payload, raw.where)
            elif FooterPacket.from_payload(raw.payload, raw.where).index_offset != index_offset:
                raise CorruptStream(f"{raw.where} does not point to the index at byte {index_offset}")
        if self._take(1):
            raise CorruptStream(f"Something follows the end of the stream at byte {self._offset - 1}")

    def _index(self) -> IndexPacket:
        size = self._file.seek(0, io.SEEK_END) - self._base
        self._go_to(max(size - FOOTER_BYTES, 0))
        footer = self._raw_of(PacketType.FOOTER)
        self._go_to(FooterPacket.from_payload(footer.payload, footer.where).index_offset)
        index = self._raw_of(PacketType.INDEX)
        return IndexPacket.from_payload(index.payload, index.where)

    def _raw_of(self, wanted: PacketType) -> RawPacket:
        place = self._offset
        try:
            raw = self._next_raw()
        except NvczooError as error:
            raise TruncatedStream(f"there is no {wanted.name.lower()} at byte {place}") from error
        if raw is None or raw.type != wanted:
            raise TruncatedStream(f"there is no {wanted.name.lower()} at byte {place}")
        return raw

    def _go_to(self, offset: int) -> None:
        try:
            self._file.seek(self._base + offset)
        except (OSError, ValueError, OverflowError) as error:
            raise CorruptStream(f"The index points to byte {offset}, where nothing can be") from error
        self._offset = offset

    def _next_raw(self) -> RawPacket | None:
        """Return the next packet, or None at the end of the data."""
        offset = self._offset
        head = self._take(1)
        if not head:
            return None
        place = where(head[0], self._number, offset)
        while len(head) == 1 or (head[-1] & 0x80 and len(head) <= MAX_LENGTH_BYTES):
            byte = self._take(1)
            if not byte:
                raise TruncatedStream(f"{place} ends within its length")
            head += byte
        length, _ = parse_length(memoryview(head)[1:], place)
        wanted = CRC_BYTES + length
        rest = self._take(wanted)
        if len(rest) < wanted:
            raise TruncatedStream(f"{place} needs {wanted} bytes more, only {len(rest)} follow")
        raw = parse_packet(head + rest, self._number, offset)
        self._number += 1
        return raw

    def _take(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer only at the end."""
        data = bytearray()
        while len(data) < count:
            more = self._file.read(min(count - len(data), READ_CHUNK))
            if not more:
                break
            data += more
        self._offset += len(data)
        return bytes(data)
