"""A layer of a frame that can be dropped, in a packet of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from nvczoo.codec.header import StreamHeader
from nvczoo.codec.packet import MAX_PACKET_BYTES, PacketType, framed
from nvczoo.codec.wire import ByteReader, ByteWriter
from nvczoo.errors import SettingError

MAX_FRAMES = (1 << 32) - 1  # of a stream: two years at 60 frames per second
HAS_SYMBOLS, HAS_PICTURE = 1, 2  # bits of the flags
KNOWN_LAYER_FLAGS = HAS_SYMBOLS | HAS_PICTURE
# Of a checksum of symbols. Those that differ go on to differ in the frames that follow, and packets have a
# checksum of their own: more bits would cost a hundredth of a small video.
SYMBOLS_CHECK = 0xFFFF


@dataclass(frozen=True)
class Layer:
    """A sub-stream: its bytes, and the low 16 bits of the CRC-32C of its symbols as int32."""

    data: bytes = field(repr=False)
    name: str = ""  # of the main layer
    symbols: int | None = None


@dataclass(frozen=True)
class LayerPacket:
    """What a layer adds to the frame packet that it follows."""

    frame: int  # display index, of the first one of a chunk
    layer: Layer
    picture: int | None = None  # CRC-32C of the decoded planes, if this is the frame's last layer

    type: ClassVar[int] = PacketType.LAYER

    def to_bytes(self, header: StreamHeader) -> bytes:
        """Return the packet; the header tells its layer's place."""
        known = header.layers.names if header.layers else ()
        if self.layer.name not in known:
            raise SettingError(
                f"The codec made the layer {self.layer.name!r} of frame {self.frame}, and announces "
                f"{', '.join(known) or 'none'}: name it in its 'layers'"
            )
        flags = (self.layer.symbols is not None) * HAS_SYMBOLS | (self.picture is not None) * HAS_PICTURE
        writer = ByteWriter().varint(known.index(self.layer.name), self.frame, flags)
        write_checksums(writer, self.layer.symbols, self.picture)
        return framed(self.type, within_limit(writer.raw(self.layer.data).bytes(), self.frame))

    @classmethod
    def from_payload(cls, payload: bytes | memoryview, where: str, header: StreamHeader) -> LayerPacket:
        """Return the layer in a packet's payload."""
        reader = ByteReader(payload, where)
        known = header.layers.names if header.layers else ()
        place = reader.varint("the layer's place")
        if place >= len(known):
            raise reader.corrupt(f"it is layer {place}, the header knows {len(known)}")
        frame = reader.varint("the display index", high=MAX_FRAMES)
        flags = reader.varint("the flags", high=KNOWN_LAYER_FLAGS)
        symbols, picture = read_checksums(reader, flags & HAS_SYMBOLS, flags & HAS_PICTURE)
        data = bytes(reader.raw(reader.left, "the layer"))
        return cls(frame, Layer(data, known[place], symbols), picture)


def write_checksums(writer: ByteWriter, symbols: int | None, picture: int | None) -> None:
    """Append what there is of both."""
    if symbols is not None:
        writer.fixed("H", symbols)
    if picture is not None:
        writer.fixed("I", picture)


def read_checksums(reader: ByteReader, has_symbols: int, has_picture: int) -> tuple[int | None, int | None]:
    """Return the checksums of symbols and picture, None for what is not there."""
    symbols = reader.fixed("H", "the checksum of the symbols") if has_symbols else None
    picture = reader.fixed("I", "the checksum of the picture") if has_picture else None
    return symbols, picture


def within_limit(payload: bytes, frame: int) -> bytes:
    """Return the payload; raises SettingError if it is too long for a packet."""
    if len(payload) > MAX_PACKET_BYTES:
        raise SettingError(
            f"Frame {frame} takes {len(payload)} bytes, a packet holds {MAX_PACKET_BYTES}: choose a smaller q"
        )
    return payload
