"""A coded frame, or chunk of frames, as a packet, and a packet for each layer that can be dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from nvczoo.codec.gop import MAX_GROUP
from nvczoo.codec.header import MAX_LAYERS, Q_STEPS, StreamHeader, checked_pts
from nvczoo.codec.layer_packet import (
    MAX_FRAMES,
    Layer,
    LayerPacket,
    read_checksums,
    within_limit,
    write_checksums,
)
from nvczoo.codec.packet import PacketType, framed
from nvczoo.codec.wire import ByteReader, ByteWriter
from nvczoo.errors import CorruptStream, UnsupportedStream
from nvczoo.interfaces import Q_MAX, Q_MIN

MAX_LEVEL = 255

# Bits of the flags, in the order of the fields they announce; INTRA announces none.
INTRA, CHUNK, TIMES, OWN_Q, SHORT_GROUP, HAS_SYMBOLS_CRC, HAS_PICTURE_CRC = (1 << bit for bit in range(7))
HAS_LEVEL, HAS_LAYERS = 1 << 7, 1 << 8
KNOWN_FLAGS = (1 << 9) - 1


@dataclass(frozen=True)
class FramePacket:
    """One step of the GOP structure, coded, with its layers."""

    frame: int  # display index, of the first one of a chunk
    times: tuple[int, ...]  # pts of each of its frames, which are consecutive
    q: float
    layers: tuple[Layer, ...]  # the main one first
    intra: bool
    level: int = 0
    group: int | None = None  # frames in its group, if this is the first packet of a short one
    picture: int | None = None  # CRC-32C of the decoded planes
    base_picture: int | None = None  # the same of what the main layer gives alone, if there are others

    type: ClassVar[int] = PacketType.FRAME

    @property
    def frames(self) -> tuple[int, ...]:
        """Display indices."""
        return tuple(range(self.frame, self.frame + len(self.times)))

    def base(self) -> FramePacket:
        """Return the packet without the layers that can be dropped."""
        if len(self.layers) == 1:
            return self
        return replace(self, layers=self.layers[:1], picture=self.base_picture, base_picture=None)

    def to_bytes(self, header: StreamHeader) -> bytes:
        """Return the packet, then those of its layers; what is as the header lets expect costs nothing."""
        return self._main_bytes(header) + b"".join(one.to_bytes(header) for one in self._layer_packets())

    def _main_bytes(self, header: StreamHeader) -> bytes:
        base, others = self.base(), len(self.layers) - 1
        (main,) = base.layers
        expected = tuple(header.expected_pts(frame) for frame in self.frames)
        flags = (
            self.intra * INTRA
            | (len(self.times) > 1) * CHUNK
            | (self.times != expected) * TIMES
            | (self.q != header.q) * OWN_Q
            | (self.group is not None) * SHORT_GROUP
            | (main.symbols is not None) * HAS_SYMBOLS_CRC
            | (base.picture is not None) * HAS_PICTURE_CRC
            | (self.level != 0) * HAS_LEVEL
            | (others > 0) * HAS_LAYERS
        )
        writer = ByteWriter().varint(flags, self.frame)
        if flags & CHUNK:
            writer.varint(len(self.times))
        if flags & TIMES:
            writer.signed(*(time - usual for time, usual in zip(self.times, expected, strict=True)))
        if flags & OWN_Q:
            _write_q(writer, self.q, header.q)
        if self.group is not None:
            writer.varint(self.group)
        write_checksums(writer, main.symbols, base.picture)
        if flags & HAS_LEVEL:
            writer.varint(self.level)
        if others:
            writer.varint(others)
        return framed(self.type, within_limit(writer.raw(main.data).bytes(), self.frame))

    def _layer_packets(self) -> Iterator[LayerPacket]:
        *middle, last = self.layers
        for layer in middle[1:]:
            yield LayerPacket(self.frame, layer)
        if middle:
            yield LayerPacket(self.frame, last, self.picture)


def _write_q(writer: ByteWriter, q: float, usual: float) -> None:
    """Write a q that is not the usual one: what it has more, in a byte, if that is a whole number."""
    more = q - usual
    if more.is_integer():
        writer.signed(int(more))
    else:
        writer.signed(0).fixed("H", round(q * Q_STEPS))


def _read_q(reader: ByteReader, usual: float) -> float:
    more = reader.signed("q")
    q = usual + more if more else reader.fixed("H", "q") / Q_STEPS
    if not Q_MIN <= q <= Q_MAX:
        raise reader.corrupt(f"q is {q}; from {Q_MIN} to {Q_MAX} is possible")
    if not more and (q - usual).is_integer():
        raise reader.corrupt("q is not in its shortest form")
    return q


@dataclass(frozen=True)
class FrameHead:
    """What a frame packet holds, and how many packets of layers belong to it."""

    packet: FramePacket  # with the main layer alone
    following: int

    @classmethod
    def from_payload(cls, payload: bytes | memoryview, where: str, header: StreamHeader) -> FrameHead:
        """Return the frame in a packet's payload."""
        reader = ByteReader(payload, where)
        flags = reader.varint("the flags")
        if flags & ~KNOWN_FLAGS:
            raise UnsupportedStream(f"{where}: it has the unknown flags {flags:#x}; install a newer nvczoo")
        frame = reader.varint("the display index", high=MAX_FRAMES)
        count = reader.varint("the number of frames", 2, MAX_GROUP) if flags & CHUNK else 1
        times = tuple(header.expected_pts(one) for one in range(frame, frame + count))
        if flags & TIMES:
            times = tuple(checked_pts(usual + reader.signed("a frame's time"), reader) for usual in times)
        q = _read_q(reader, header.q) if flags & OWN_Q else header.q
        group = reader.varint("the length of the group", 1, MAX_GROUP) if flags & SHORT_GROUP else None
        symbols, picture = read_checksums(reader, flags & HAS_SYMBOLS_CRC, flags & HAS_PICTURE_CRC)
        level = reader.varint("the level", 1, MAX_LEVEL) if flags & HAS_LEVEL else 0
        following = reader.varint("the number of layers", 1, MAX_LAYERS) if flags & HAS_LAYERS else 0
        main = Layer(bytes(reader.raw(reader.left, "the main layer")), symbols=symbols)
        return cls(
            FramePacket(frame, times, q, (main,), bool(flags & INTRA), level, group, picture), following
        )

    def with_layers(self, packets: list[LayerPacket], where: str) -> FramePacket:
        """Return the whole frame; ``where`` is the place of the last of the packets."""
        names = [one.layer.name for one in packets]
        if len(set(names)) < len(names):
            raise CorruptStream(f"{where}: the layer {names[-1]!r} of frame {self.packet.frame} comes twice")
        if not packets:
            return self.packet
        return replace(
            self.packet,
            layers=(*self.packet.layers, *(one.layer for one in packets)),
            picture=packets[-1].picture,
            base_picture=self.packet.picture,
        )
