"""A stream in a file or pipe: packets one after the other, and an index at the end of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from nvczoo.codec.frame_packet import FrameHead, FramePacket
from nvczoo.codec.header import StreamHeader
from nvczoo.codec.layer_packet import LayerPacket
from nvczoo.codec.packet import (
    MAGIC,
    SKIPPABLE,
    PacketType,
    RawPacket,
)
from nvczoo.codec.packets import (
    FOOTER_BYTES,
    EndPacket,
    FooterPacket,
    IndexPacket,
    track_packet_bytes,
    track_packet_from,
)
from nvczoo.codec.raw_packets import RawPackets
from nvczoo.codec.seeking import Seek
from nvczoo.errors import (
    CorruptStream,
    NvczooError,
    SettingError,
    StreamError,
    TruncatedStream,
    UnsupportedStream,
)
from nvczoo.video.tracks import TrackPacket

WITHOUT_LAYERS = "The base layer can be decoded alone: layers='base' in Python, --layers base as an option"

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
    """Iterates over the packets after the header; seeks only if asked to.

    With ``skip_layers`` the packets of droppable layers are passed over unread, sound or not.
    """

    def __init__(self, file: BinaryIO, skip_layers: bool = False) -> None:
        self._source = RawPackets(file)
        self._unwanted = PacketType.LAYER if skip_layers else None
        magic = self._source.take(len(MAGIC))
        if magic != MAGIC[: len(magic)] or not magic:
            raise UnsupportedStream("This is no nvczoo stream: it does not begin with the bytes of one")
        first = self._source.next()
        if first is None or first.type != PacketType.HEADER:
            raise CorruptStream("The stream does not begin with a header")
        self.header = StreamHeader.from_payload(first.payload, first.where)
        self.last: RawPacket = first  # that came last, a frame's without its layers; for messages, statistics

    def __iter__(self) -> Iterator[Packet]:
        """Yield the packets up to the end packet, then check that index and footer follow, and no more."""
        while (raw := self._source.next(self._unwanted)) is not None:
            self.last = raw
            packet = self._parse(raw)
            if packet is not None:
                yield packet
            if isinstance(packet, EndPacket):
                self._check_tail()
                return
        raise TruncatedStream(
            f"The stream stops after packet {self._source.number - 1}, without an end packet"
        )

    def seek(self, frame: int) -> Seek:
        """Go to the last intra frame up to ``frame``, by the index; frame 0 needs no index."""
        if frame == 0:
            return Seek()
        if not self._source.seekable:
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
        self._source.go_to(offset)
        return Seek(entry, frame, index.frames)

    def count_frames(self) -> int | None:
        """Return the frames of the whole stream, or None if only reading it all can tell."""
        if not self._source.seekable:
            return None
        here, number = self._source.offset, self._source.number
        try:
            return self._index().frames
        except StreamError:
            return None
        finally:
            self._source.go_to(here)
            self._source.number = number

    @property
    def packets(self) -> int:
        """Packets so far, those of layers included."""
        return self._source.number

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._source.offset

    def _parse(self, raw: RawPacket) -> Packet | None:
        if raw.type == PacketType.FRAME:
            return self._frame(FrameHead.from_payload(raw.payload, raw.where, self.header))
        if raw.type == PacketType.TRACK:
            return track_packet_from(raw.payload, raw.where, self.header)
        if raw.type == PacketType.END:
            return EndPacket.from_payload(raw.payload, raw.where)
        if raw.type in (PacketType.HEADER, PacketType.INDEX, PacketType.FOOTER, PacketType.LAYER):
            raise CorruptStream(f"{raw.where} stands where a frame or the end should be")
        if not raw.type & SKIPPABLE:
            raise UnsupportedStream(f"{raw.where} is of an unknown type; install a newer nvczoo")
        return None

    def _frame(self, head: FrameHead) -> FramePacket:
        """Return a frame with the layers that follow it; damage in one of these says what is left to do."""
        if self._unwanted:
            return head.packet
        packets: list[LayerPacket] = []
        place = self.last.where
        for number in range(1, head.following + 1):
            try:
                raw = self._source.next()
                if raw is None or raw.type != PacketType.LAYER:
                    stands = "Nothing" if raw is None else raw.where
                    of = f"of {head.following} of frame {head.packet.frame}"
                    raise CorruptStream(f"{stands} stands where layer {number} {of} should be")
                place = raw.where
                packets.append(LayerPacket.from_payload(raw.payload, place, self.header))
                if packets[-1].frame != head.packet.frame:
                    raise CorruptStream(f"{place} belongs to frame {packets[-1].frame}, not here")
            except StreamError as error:
                raise type(error)(f"{error}. {WITHOUT_LAYERS}") from error
        return head.with_layers(packets, place)

    def _check_tail(self) -> None:
        index_offset = self._source.offset
        for expected in (PacketType.INDEX, PacketType.FOOTER):
            raw = self._source.next()
            if raw is None:
                raise TruncatedStream(f"The stream ends without its {expected.name.lower()}")
            if raw.type != expected:
                raise CorruptStream(f"{raw.where} stands where the {expected.name.lower()} should be")
            if expected == PacketType.INDEX:
                IndexPacket.from_payload(raw.payload, raw.where)
                continue
            found = FooterPacket.from_payload(raw.payload, raw.where).index_offset
            # Layers that were lost on the way leave a footer that points too far.
            if found != index_offset and not (self._unwanted and found > index_offset):
                raise CorruptStream(f"{raw.where} does not point to the index at byte {index_offset}")
        if self._source.take(1):
            raise CorruptStream(f"Something follows the end of the stream at byte {self._source.offset - 1}")

    def _index(self) -> IndexPacket:
        self._source.go_to(max(self._source.size() - FOOTER_BYTES, 0))
        footer = self._raw_of(PacketType.FOOTER)
        self._source.go_to(FooterPacket.from_payload(footer.payload, footer.where).index_offset)
        index = self._raw_of(PacketType.INDEX)
        return IndexPacket.from_payload(index.payload, index.where)

    def _raw_of(self, wanted: PacketType) -> RawPacket:
        place = self._source.offset
        try:
            raw = self._source.next()
        except NvczooError as error:
            raise TruncatedStream(f"there is no {wanted.name.lower()} at byte {place}") from error
        if raw is None or raw.type != wanted:
            raise TruncatedStream(f"there is no {wanted.name.lower()} at byte {place}")
        return raw
