"""A stream decoded and watched: some of its frames, and what the bits of each coding step were spent on."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

from nvczoo.codec.container import StreamReader
from nvczoo.codec.decoder import DecoderSession
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.info import FrameInfo, StreamInfo, stream_info
from nvczoo.codec.pictures import matrix_of
from nvczoo.codec.video import evenly
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.evaluate.anatomy import Anatomy, WatchingReader
from nvczoo.evaluate.stills import DECODED, Still, stills_of_anatomy
from nvczoo.interfaces import EntropyCoder
from nvczoo.video.colour import rgb_from_planes
from nvczoo.video.picture import Picture
from nvczoo.video.png import png


@dataclass(frozen=True)
class WatchedStep:
    """A coding step of a stream; ``parts`` in bits, up to 1 % from what the coder wrote."""

    info: FrameInfo
    parts: Mapping[str, float]


@dataclass(frozen=True)
class ShownFrame:
    """A frame to be looked at."""

    frame: int
    stills: tuple[Still, ...]  # decoded; its motion, where the codec tells it; where its bits went


@dataclass(frozen=True)
class StreamView:
    """What there is to be seen of a stream."""

    info: StreamInfo
    steps: tuple[WatchedStep, ...]  # in coding order
    frames: tuple[ShownFrame, ...]


def view_stream(codec: VideoCodec, data: bytes, count: int) -> StreamView:
    """Decode a stream and return what is seen of it, with ``count`` frames; raises StreamError."""
    info = stream_info(data)
    chosen = evenly(info.frame_count, count)
    readers: list[WatchingReader] = []

    def watching(coder: EntropyCoder, layers: Mapping[str, bytes | memoryview]) -> WatchingReader:
        readers.append(WatchingReader(coder, layers))
        return readers[-1]

    session = DecoderSession(codec, reader=watching)
    parts: list[Mapping[str, float]] = []
    anatomies: dict[int, Anatomy] = {}
    pictures: dict[int, Picture] = {}
    shown = 0  # pictures so far: all but the chosen are let go, so that a long stream fits into memory
    reader = StreamReader(io.BytesIO(data))
    session.push(reader.header)
    for packet in reader:
        ready = session.push(packet)
        if isinstance(packet, FramePacket):
            anatomy = readers.pop().anatomy
            parts.append(anatomy.parts)
            anatomies |= {frame: anatomy for frame in packet.frames if frame in chosen}
        pictures |= {shown + at: one for at, one in enumerate(ready) if shown + at in chosen}
        shown += len(ready)
    session.flush()
    steps = (WatchedStep(*one) for one in zip(info.frames, parts, strict=True))
    frames = (ShownFrame(at, _stills(codec, info, pictures[at], anatomies[at])) for at in chosen)
    return StreamView(info, tuple(steps), tuple(frames))


def _stills(codec: VideoCodec, info: StreamInfo, picture: Picture, anatomy: Anatomy) -> tuple[Still, ...]:
    video = info.header.info
    decoded = Still(DECODED, png(rgb_from_planes(picture.planes, matrix_of(video.colour))))
    size = (video.height, video.width)
    return decoded, *stills_of_anatomy(anatomy, codec.padded_size(size), size)
