"""A coded frame, or chunk of frames, as a packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from nvczoo.codec.gop import MAX_GROUP
from nvczoo.codec.header import Q_STEPS, StreamHeader, checked_pts
from nvczoo.codec.packet import MAX_PACKET_BYTES, PacketType, crc32c, framed
from nvczoo.codec.wire import ByteReader, ByteWriter
from nvczoo.errors import CorruptStream, SettingError, UnsupportedStream
from nvczoo.interfaces import Q_MAX

MAX_FRAMES = (1 << 32) - 1  # of a stream: two years at 60 frames per second
MAX_LAYERS = 16  # droppable ones, beside the main layer
MAX_LEVEL = 255

# Bits of the flags, in the order of the fields they announce; INTRA announces none.
INTRA, CHUNK, TIMES, OWN_Q, SHORT_GROUP, HAS_SYMBOLS_CRC, HAS_PICTURE_CRC = (1 << bit for bit in range(7))
HAS_LEVEL, HAS_LAYERS = 1 << 7, 1 << 8
KNOWN_FLAGS = (1 << 9) - 1


@dataclass(frozen=True)
class Layer:
    """A sub-stream: its bytes, and the CRC-32C of its symbols as int32."""

    data: bytes = field(repr=False)
    name: str = ""  # of the main layer
    symbols: int | None = None


@dataclass(frozen=True)
class FramePacket:
    """One step of the GOP structure, coded."""

    frame: int  # display index, of the first one of a chunk
    times: tuple[int, ...]  # pts of each of its frames, which are consecutive
    q: float
    layers: tuple[Layer, ...]  # the main one first
    intra: bool
    level: int = 0
    group: int | None = None  # frames in its group, if this is the first packet of a short one
    picture: int | None = None  # CRC-32C of the decoded planes

    type: ClassVar[int] = PacketType.FRAME

    @property
    def frames(self) -> tuple[int, ...]:
        """Display indices."""
        return tuple(range(self.frame, self.frame + len(self.times)))

    def to_bytes(self, header: StreamHeader) -> bytes:
        """Return the packet; what is as the header lets expect costs nothing."""
        main, *others = self.layers
        expected = tuple(header.expected_pts(frame) for frame in self.frames)
        flags = (
            self.intra * INTRA
            | (len(self.times) > 1) * CHUNK
            | (self.times != expected) * TIMES
            | (self.q != header.q) * OWN_Q
            | (self.group is not None) * SHORT_GROUP
            | (main.symbols is not None) * HAS_SYMBOLS_CRC
            | (self.picture is not None) * HAS_PICTURE_CRC
            | (self.level != 0) * HAS_LEVEL
            | bool(others) * HAS_LAYERS
        )
        writer = ByteWriter().varint(flags, self.frame)
        if flags & CHUNK:
            writer.varint(len(self.times))
        if flags & TIMES:
            writer.signed(*(time - usual for time, usual in zip(self.times, expected, strict=True)))
        if flags & OWN_Q:
            writer.fixed("H", round(self.q * Q_STEPS))
        if self.group is not None:
            writer.varint(self.group)
        for checksum in (main.symbols, self.picture):
            if checksum is not None:
                writer.fixed("I", checksum)
        if flags & HAS_LEVEL:
            writer.varint(self.level)
        if others:
            _write_layer_heads(writer, others)
        for layer in self.layers:
            writer.raw(layer.data)
        return framed(self.type, _within_limit(writer.bytes(), self.frame))

    @classmethod
    def from_payload(cls, payload: bytes | memoryview, where: str, header: StreamHeader) -> FramePacket:
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
        q = reader.fixed("H", "q") / Q_STEPS if flags & OWN_Q else header.q
        if q > Q_MAX:
            raise reader.corrupt(f"q is {q}; at most {Q_MAX} is possible")
        group = reader.varint("the length of the group", 1, MAX_GROUP) if flags & SHORT_GROUP else None
        symbols = reader.fixed("I", "the checksum of the symbols") if flags & HAS_SYMBOLS_CRC else None
        picture = reader.fixed("I", "the checksum of the picture") if flags & HAS_PICTURE_CRC else None
        level = reader.varint("the level", 1, MAX_LEVEL) if flags & HAS_LEVEL else 0
        layers = _read_layers(reader, symbols, has_others=bool(flags & HAS_LAYERS))
        return cls(frame, times, q, layers, bool(flags & INTRA), level, group, picture)


def _within_limit(payload: bytes, frame: int) -> bytes:
    if len(payload) > MAX_PACKET_BYTES:
        raise SettingError(
            f"Frame {frame} takes {len(payload)} bytes, a packet holds {MAX_PACKET_BYTES}: choose a smaller q"
        )
    return payload


def _write_layer_heads(writer: ByteWriter, layers: list[Layer]) -> None:
    """Append what tells the droppable layers apart; a CRC each, as one may be damaged and the rest sound."""
    if len(layers) > MAX_LAYERS:
        raise SettingError(f"The codec made {len(layers)} layers of a frame; a packet holds {MAX_LAYERS}")
    writer.varint(len(layers))
    for layer in layers:
        writer.text(layer.name).varint(len(layer.data))
        writer.fixed("II", crc32c(layer.data), layer.symbols or 0)


def _read_layers(reader: ByteReader, symbols: int | None, has_others: bool) -> tuple[Layer, ...]:
    count = reader.varint("the number of layers", 1, MAX_LAYERS) if has_others else 0
    heads = [_read_layer_head(reader) for _ in range(count)]
    if len({head.name for head in heads} - {""}) < count:
        raise reader.corrupt("two layers have the same name, or one has none")
    main_size = reader.left - sum(head.size for head in heads)
    if main_size < 0:
        raise reader.corrupt("its layers are longer than the packet")
    layers = [Layer(bytes(reader.raw(main_size, "the main layer")), symbols=symbols)]
    for head in heads:
        data = bytes(reader.raw(head.size, f"layer {head.name!r}"))
        if crc32c(data) != head.checksum:
            raise CorruptStream(f"{reader.where}: the CRC-32C of layer {head.name!r} does not match")
        layers.append(Layer(data, head.name, None if symbols is None else head.symbols))
    return tuple(layers)


@dataclass(frozen=True)
class _LayerHead:
    name: str
    size: int
    checksum: int
    symbols: int


def _read_layer_head(reader: ByteReader) -> _LayerHead:
    name = reader.text("a layer's name")
    size = reader.varint("a layer's length", high=MAX_PACKET_BYTES)
    return _LayerHead(name, size, reader.fixed("I", "a layer's CRC-32C"), reader.fixed("I", "a checksum"))
