"""What a stream holds, found without decoding a picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import Data, opened
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.header import StreamHeader
from nvczoo.video.tracks import Track, TrackPacket

FrameKind = Literal["I", "P", "B"]
BASE = "base"  # what the main layer is called here


@dataclass(frozen=True)
class FrameInfo:
    """A coded frame, or chunk of frames."""

    frame: int  # display index, of the first one of a chunk
    frames: int  # more than 1 in a chunk
    kind: FrameKind  # B: shown before a frame that was decoded before it
    pts: int
    q: float
    level: int
    offset: int  # of its packet in the stream
    size: int  # bytes of its packets, those of its layers included
    layers: tuple[tuple[str, int], ...]  # names and bytes, the main one first as ""


@dataclass(frozen=True)
class LayerInfo:
    """A layer of the frames, and how much of it there is."""

    name: str
    width: int  # of the pictures that this layer and those before it give
    height: int
    size: int  # bytes in all frames
    present: bool = True  # False: taken out, or never coded


@dataclass(frozen=True)
class TrackInfo:
    """A track, and how much of it there is."""

    track: Track
    packets: int
    size: int  # bytes of its packets


@dataclass(frozen=True)
class StreamInfo:
    """A stream as a whole."""

    header: StreamHeader
    frames: tuple[FrameInfo, ...]  # in coding order
    tracks: tuple[TrackInfo, ...]
    size: int  # bytes
    duration: Fraction  # seconds; the last frame lasts as the frame rate says
    delay: int  # frames: the most that a frame waits for a later one that is coded before it, or with it

    @property
    def frame_count(self) -> int:
        """Frames, each of a chunk counted."""
        return sum(frame.frames for frame in self.frames)

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers of the stream, the base layer first."""
        sizes: Counter[str] = Counter()
        for frame in self.frames:
            sizes.update(dict(frame.layers))
        video, layers = self.header.info, self.header.layers
        whole = (video.width, video.height)
        if layers is None:
            return (LayerInfo(BASE, *whole, sizes[""]),)
        others = (LayerInfo(name, *whole, sizes[name], not layers.base_only) for name in layers.names)
        return (LayerInfo(BASE, *layers.base_size, sizes[""]), *others)

    @property
    def video_size(self) -> int:
        """Bytes of all frame packets."""
        return sum(frame.size for frame in self.frames)

    @property
    def bit_rate(self) -> float:
        """Bits per second of the whole stream."""
        return float(self.size * 8 / self.duration)

    @property
    def video_bit_rate(self) -> float:
        """Bits per second of the frame packets."""
        return float(self.video_size * 8 / self.duration)

    @property
    def bits_per_pixel(self) -> float:
        """Bits of the frame packets per luma sample."""
        return self.video_size * 8 / (self.frame_count * self.header.info.width * self.header.info.height)


def stream_info(data: Data) -> StreamInfo:
    """Return what the stream in bytes, a path or a file object holds; reads all of it, decodes nothing."""
    frames: list[FrameInfo] = []
    packets: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    times: list[int] = []
    newest = delay = 0  # a display index, and frames
    with opened(data) as file:
        reader = StreamReader(file)
        for packet in reader:
            if isinstance(packet, FramePacket):
                newest = max(newest, packet.frames[-1])
                delay = max(delay, newest - packet.frame)
                times += packet.times
                frames.append(_frame_info(packet, reader, newest))
            elif isinstance(packet, TrackPacket):
                packets[packet.track] += 1
                sizes[packet.track] += reader.last.size
        size = reader.position
    tracks = tuple(
        TrackInfo(track, packets[track.number], sizes[track.number]) for track in reader.header.info.tracks
    )
    duration = _duration(times, reader.header)
    return StreamInfo(reader.header, tuple(frames), tracks, size, duration, delay)


def read_header(data: Data) -> StreamHeader:
    """Return the header of a stream, which names the model to decode it with."""
    with opened(data) as file:
        return StreamReader(file).header


def _frame_info(packet: FramePacket, reader: StreamReader, newest: int) -> FrameInfo:
    offset = reader.last.offset
    kind: FrameKind = "I" if packet.intra else "B" if packet.frames[-1] < newest else "P"
    return FrameInfo(
        packet.frame,
        len(packet.times),
        kind,
        packet.times[0],
        packet.q,
        packet.level,
        offset,
        reader.position - offset,
        tuple((layer.name, len(layer.data)) for layer in packet.layers),
    )


def _duration(times: list[int], header: StreamHeader) -> Fraction:
    span = max(times) - min(times) if times else 0
    return span * header.info.time_base + 1 / header.info.frame_rate
