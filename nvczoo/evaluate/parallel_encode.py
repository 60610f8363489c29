"""One long video in parts: closed groups of frames are coded side by side, the stream is the serial one.

A part begins at an intra frame that no later frame looks past. Each task reads the video up to its own
frames, so that times are those of the whole; the packets are written in order, sound between them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from nvczoo.codec.container import Packet
from nvczoo.codec.files import EncodeOptions
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.gop_options import gop_name, with_intra_period
from nvczoo.codec.header import StreamHeader
from nvczoo.codec.packets import EndPacket
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import ArithmeticMismatch, SettingError, VideoError
from nvczoo.evaluate.contenders import ModelContender
from nvczoo.evaluate.engines import Engine
from nvczoo.evaluate.model_coding import loaded_model
from nvczoo.interfaces import GopStructure
from nvczoo.video.picture import Picture, VideoInfo
from nvczoo.video.reader import VideoReader, open_video

MAX_PARTS = 32  # each reads the video from its start: more would read more than they code


@dataclass(frozen=True)
class Source:
    """A video file, and how to open it where a task runs."""

    path: str
    size: tuple[int, int] | None = None
    rate: str | None = None
    pixel_format: str | None = None
    convert: bool = False

    def open(self, tracks: bool = False) -> VideoReader:
        """Return a reader of the pictures."""
        return open_video(self.path, self.size, self.rate, self.pixel_format, self.convert, tracks=tracks)


@dataclass(frozen=True)
class Part:
    """Frames ``first`` to ``end``, exclusive, of a video."""

    model: ModelContender
    source: Source
    info: VideoInfo
    q: float
    options: EncodeOptions
    first: int
    end: int


@dataclass(frozen=True)
class CodedPart:
    """The packets of a part, and the header it was coded for."""

    header: StreamHeader
    packets: tuple[FramePacket, ...]


@dataclass(frozen=True)
class ParallelEncoder:
    """Opens sessions as a ``VideoCodec`` does; their packets come from an engine."""

    codec: VideoCodec
    model: ModelContender
    source: Source
    engine: Engine

    def encoder(self, info: VideoInfo, q: float | None, options: EncodeOptions) -> ParallelSession:
        """Return a session for the video in ``source``; raises SettingError if it cannot be cut."""
        period = options.intra_period
        gop = self.codec.gop if period is None else with_intra_period(self.codec.gop, period)
        if gop.group != 1:
            raise SettingError(
                f"The GOP structure {gop_name(type(gop))!r} has groups that look into the next one, and "
                "cannot be coded in parts: choose low-delay or all-intra, or leave --engine out"
            )
        with self.source.open() as reader:
            count = sum(1 for _ in islice(reader, options.frames))
        first = Part(self.model, self.source, info, self.codec.q_or_default(q), options, 0, 0)
        parts = [replace(first, first=start, end=end) for start, end in cuts(gop, count)]
        return ParallelSession(self.engine, parts)


class ParallelSession:
    """Gives the packets of the parts in the order of the pictures."""

    def __init__(self, engine: Engine, parts: list[Part]) -> None:
        self._parts = parts
        self._coming = engine.run(encode_part, parts)
        self._done: dict[int, CodedPart] = {}  # by first frame
        self._packets = self._ordered()
        self._header: StreamHeader | None = None
        self._frames = 0

    def pushing(self, picture: Picture, /) -> Iterator[Packet]:
        """Give the packet of a picture, the header before the first; waits until its part is coded."""
        del picture  # each part has read its own
        packet = next(self._packets, None)
        if packet is None:
            raise VideoError("The video has more pictures than it had when it was cut into parts")
        assert self._header is not None
        if self._frames == 0:
            yield self._header
        self._frames += 1
        yield packet

    def flushing(self, track_packets: int = 0, /) -> Iterator[Packet]:
        """Give the end packet."""
        if self._frames == 0:
            raise SettingError("There is no picture to encode; a stream needs one at least")
        if next(self._packets, None) is not None:
            raise VideoError("The video has fewer pictures than it had when it was cut into parts")
        for _ in self._coming:  # all are here: lets the engine end
            pass
        yield EndPacket(self._frames, self._frames, track_packets)

    def _ordered(self) -> Iterator[FramePacket]:
        for part in self._parts:
            while part.first not in self._done:
                item, coded = next(self._coming)
                self._done[item.first] = coded
            coded = self._done.pop(part.first)
            self._check(coded.header)
            yield from coded.packets

    def _check(self, header: StreamHeader) -> None:
        self._header = self._header or header
        if header.arithmetic.fingerprint != self._header.arithmetic.fingerprint:
            environments = f"{self._header.arithmetic.environment}; {header.arithmetic.environment}"
            raise ArithmeticMismatch(
                f"The parts were coded on machines that compute differently: {environments}. "
                "Use machines of one kind"
            )


def encode_part(part: Part) -> CodedPart:
    """Code the frames of a part; those before it are read, and counted, but not coded."""
    model = part.model
    codec = loaded_model(model.model, model.parts, model.device, model.precision)
    session = codec.encoder(part.info, part.q, part.options)
    packets: list[Packet] = []
    header: StreamHeader | None = None
    with part.source.open() as reader:
        for number, picture in enumerate(islice(reader, part.end)):
            if number < part.first:
                header = session.skip(picture)
            else:
                packets += session.push(picture)
    packets += session.flush()
    coded = tuple(packet for packet in packets if isinstance(packet, FramePacket))
    if header is None:
        header = next(packet for packet in packets if isinstance(packet, StreamHeader))
    if len(coded) != part.end - part.first:
        raise VideoError(f"{os.path.basename(part.source.path)} has changed while it was read")
    return CodedPart(header, coded)


def cuts(gop: GopStructure, count: int) -> list[tuple[int, int]]:
    """Return first and end of each part: as many as there are entries, or nearly MAX_PARTS."""
    entries = [frame for frame in range(count) if gop.is_entry(frame)]
    if not entries:
        return []
    starts = entries[:: -(-len(entries) // MAX_PARTS)]  # rounded up
    return list(zip(starts, [*starts[1:], count], strict=True))
