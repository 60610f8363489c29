"""The packets beside header and frames: tracks, end, index, footer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nvczoo.codec.header import StreamHeader, checked_pts
from nvczoo.codec.layer_packet import MAX_FRAMES
from nvczoo.codec.packet import MAX_PACKET_BYTES, PacketType, framed
from nvczoo.codec.wire import ByteReader, ByteWriter
from nvczoo.errors import NvczooError
from nvczoo.video.tracks import KEYFRAME, MAX_TRACKS, TrackPacket

FOOTER_TEXT = b"NVCINDEX"
FOOTER_BYTES = 20  # type, length, checksum, 64-bit offset, FOOTER_TEXT: found from the end of a file
MAX_TRACK_PACKETS = (1 << 40) - 1

HAS_PTS, HAS_DTS = 2, 4  # bits of a track packet's flags, beside KEYFRAME


@dataclass(frozen=True)
class EndPacket:
    """What the stream holds: a stream without it has been cut off."""

    frames: int
    packets: int  # frame packets
    track_packets: int = 0

    type: ClassVar[int] = PacketType.END

    def to_bytes(self) -> bytes:
        """Return the packet."""
        payload = ByteWriter().varint(self.frames, self.packets, self.track_packets).bytes()
        return framed(self.type, payload)

    @classmethod
    def from_payload(cls, payload: bytes | memoryview, where: str) -> EndPacket:
        """Return the totals in a packet's payload."""
        reader = ByteReader(payload, where)
        frames, packets = (reader.varint(what, high=MAX_FRAMES) for what in ("the frames", "the packets"))
        end = cls(frames, packets, reader.varint("the track packets", high=MAX_TRACK_PACKETS))
        reader.finish()
        return end


@dataclass(frozen=True)
class IndexPacket:
    """The length of the video, and where decoding can start."""

    frames: int
    entries: tuple[tuple[int, int], ...]  # (display index, byte offset of the packet), both ascending

    type: ClassVar[int] = PacketType.INDEX

    def to_bytes(self) -> bytes:
        """Return the packet: frames, number of entries, then the differences from entry to entry."""
        writer = ByteWriter().varint(self.frames, len(self.entries))
        before = (0, 0)
        for entry in self.entries:
            writer.varint(*(value - last for value, last in zip(entry, before, strict=True)))
            before = entry
        return framed(self.type, writer.bytes())

    @classmethod
    def from_payload(cls, payload: bytes | memoryview, where: str) -> IndexPacket:
        """Return the index in a packet's payload."""
        reader = ByteReader(payload, where)
        frames = reader.varint("the frames", high=MAX_FRAMES)
        count = reader.varint("the number of entries", high=MAX_PACKET_BYTES)
        entries: list[tuple[int, int]] = []
        frame = offset = 0
        for _ in range(count):
            frame += reader.varint("a display index", low=1 if entries else 0, high=MAX_FRAMES)
            offset += reader.varint("an offset", low=1)
            entries.append((frame, offset))
        reader.finish()
        return cls(frames, tuple(entries))


@dataclass(frozen=True)
class FooterPacket:
    """The last bytes of a file: where its index is."""

    index_offset: int

    type: ClassVar[int] = PacketType.FOOTER

    def to_bytes(self) -> bytes:
        """Return the packet, always FOOTER_BYTES long."""
        return framed(self.type, ByteWriter().fixed("Q", self.index_offset).raw(FOOTER_TEXT).bytes())

    @classmethod
    def from_payload(cls, payload: bytes | memoryview, where: str) -> FooterPacket:
        """Return the footer in a packet's payload."""
        reader = ByteReader(payload, where)
        footer = cls(reader.fixed("Q", "the offset of the index"))
        if bytes(reader.raw(len(FOOTER_TEXT), "the footer's text")) != FOOTER_TEXT:
            raise reader.corrupt(f"it does not end with {FOOTER_TEXT!r}")
        reader.finish()
        return footer


def track_packet_bytes(packet: TrackPacket) -> bytes:
    """Return the packet of a piece of audio or of a subtitle."""
    own_dts = packet.dts is not None and packet.dts != packet.pts
    flags = packet.flags & KEYFRAME | (packet.pts is not None) * HAS_PTS | own_dts * HAS_DTS
    writer = ByteWriter().varint(packet.track, flags)
    if packet.pts is not None:
        writer.signed(packet.pts)
    if packet.dts is not None and own_dts:
        writer.signed(packet.dts)
    return framed(PacketType.TRACK, writer.varint(packet.duration).raw(packet.data).bytes())


def track_packet_from(payload: bytes | memoryview, where: str, header: StreamHeader) -> TrackPacket:
    """Return the piece of a track in a packet's payload; without a time of its own, dts is pts."""
    reader = ByteReader(payload, where)
    number = reader.varint("the track's number", high=MAX_TRACKS - 1)
    track = next((track for track in header.info.tracks if track.number == number), None)
    if track is None:
        raise reader.corrupt(f"the header knows no track {number}")
    flags = reader.varint("the flags", high=KEYFRAME | HAS_PTS | HAS_DTS)
    pts = checked_pts(reader.signed("the pts"), reader) if flags & HAS_PTS else None
    dts = checked_pts(reader.signed("the dts"), reader) if flags & HAS_DTS else pts
    duration = reader.varint("the duration")
    packet = TrackPacket(number, pts, dts, duration, flags & KEYFRAME, bytes(reader.raw(reader.left, "data")))
    try:
        packet.check(track)
    except NvczooError as error:
        raise reader.corrupt(str(error)) from error
    return packet
