"""Packets in, pictures out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from nvczoo.codec.arithmetic import check_arithmetic, deterministic, limited
from nvczoo.codec.container import WITHOUT_LAYERS, Packet
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.gop_options import Group, build_gop, group_length, group_of
from nvczoo.codec.header import IDENTITY_BYTES, StreamHeader
from nvczoo.codec.layer_packet import SYMBOLS_CHECK
from nvczoo.codec.packets import EndPacket
from nvczoo.codec.pictures import base_planes_of, picture_checksum, planes_of
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.codec.scalable import LayerChoice, described_layers, wants_base
from nvczoo.codec.seeking import Needed, Seek, needed_frames
from nvczoo.entropy.streams import BitReader
from nvczoo.errors import (
    ArithmeticMismatch,
    CorruptStream,
    SettingError,
    StreamError,
    TruncatedStream,
    UnsupportedStream,
)
from nvczoo.interfaces import CodingStep, EntropyCoder, FrameCodec, GopStructure, Reference, Setting
from nvczoo.video.colour import Planes
from nvczoo.video.picture import Picture

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec

MAX_PIXELS = 8192 * 4352  # 8K with some padding; what a decoder allocates follows from it
BEGINNING = Seek()
OpenReader = Callable[[EntropyCoder, Mapping[str, bytes | memoryview]], BitReader]


@dataclass(frozen=True)
class _Stream:
    """What the header settled."""

    header: StreamHeader
    gop: GopStructure
    needed: Needed
    base: bool  # whether the base layer alone is shown


class DecoderSession:
    """Decodes one stream, packet by packet, and gives its pictures in display order.

    If the reader has sought, ``seek`` tells which frame comes first; frames that are neither shown nor
    needed for those that are, are not decoded. With ``layers="base"`` pictures are those of the base layer.
    Every packet is checked before its pictures are given.
    """

    def __init__(
        self,
        codec: VideoCodec,
        seek: Seek = BEGINNING,
        max_pixels: int = MAX_PIXELS,
        layers: LayerChoice = "all",
        reader: OpenReader = BitReader,
    ) -> None:
        """``reader`` makes what gives a step's symbols: a child of ``BitReader`` can watch them."""
        self._codec = codec
        self._reader = reader
        self._seek = seek
        self._entry = seek.entry
        self._max_pixels = max_pixels
        self._layers: LayerChoice = layers
        self._stream: _Stream | None = None
        self._end: EndPacket | None = None
        self._references = ReferenceBuffer()
        self._group: Group | None = None
        self._position = 0  # of the next step in the group
        self._next_first = seek.entry  # a frame of the next group
        self._next_shown = max(seek.start, seek.entry)
        self._ready: dict[int, Picture] = {}
        self._packets = 0

    @property
    def references(self) -> int:
        """How many references are kept at the moment."""
        return len(self._references)

    def push(self, packet: Packet) -> list[Picture]:
        """Return the pictures that can be shown now; raises StreamError if the packet is damaged.

        The header comes first. Packets of audio and subtitles are let through without effect.
        """
        if isinstance(packet, StreamHeader):
            self._begin(packet)
            return []
        if self._stream is None:
            raise CorruptStream("A stream begins with its header; push it before all else")
        if self._end is not None:
            raise CorruptStream("Something follows the end packet")
        if isinstance(packet, FramePacket):
            self._decode(packet, self._stream)
        elif isinstance(packet, EndPacket):
            self._check_end(packet)
            self._end = packet
        return self._shown()

    def flush(self) -> list[Picture]:
        """Return no more pictures; raises TruncatedStream unless the stream came to its end."""
        if self._end is None:
            raise TruncatedStream(f"The stream was cut off after {self._packets} frame packets")
        return self._shown()

    def _begin(self, header: StreamHeader) -> None:
        if self._stream is not None:
            raise CorruptStream("The stream has a second header")
        codec, info = self._codec, header.info
        if info.width * info.height > self._max_pixels:
            raise UnsupportedStream(
                f"The pictures are {info.width}x{info.height}; at most {self._max_pixels} pixels are decoded "
                "unless max_pixels is raised"
            )
        if header.identity != codec.identity[:IDENTITY_BYTES]:
            raise UnsupportedStream(
                f"The stream was made by the model {header.model!r} ({header.identity.hex()[:12]}), this is "
                f"{codec.name!r} ({codec.identity.hex()[:12]}): its parts or weights differ. Load the model "
                "that made the stream"
            )
        if header.coder != codec.coder.format:
            raise UnsupportedStream(
                f"The stream is coded in the format {header.coder!r}, this is {codec.coder.format!r}"
            )
        gop = build_gop(header.gop, codec.gop)
        if not gop.is_entry(self._entry):
            raise SettingError(f"Decoding cannot start at frame {self._entry}: it is no intra frame")
        codec.check_ready(gop)
        base = self._checked_layers(header)
        check_arithmetic(header.arithmetic, codec)
        self._stream = _Stream(header, gop, needed_frames(gop, self._seek), base)

    def _checked_layers(self, header: StreamHeader) -> bool:
        """Return whether the base layer alone is shown."""
        base = wants_base(header.layers, self._layers, "The stream")
        own = described_layers(self._codec.intra, self._codec.inter, header.info)
        announced = header.layers and replace(header.layers, base_only=False)
        if announced != own:
            raise CorruptStream(f"The header announces {announced}, the model makes {own}")
        return base

    def _decode(self, packet: FramePacket, stream: _Stream) -> None:
        place = f"Frame packet {self._packets} (frame {packet.frame})"
        group, step = self._next_step(packet, stream.gop, place)
        self._position += 1
        self._packets += 1
        if step in stream.needed:
            if not self._references.holds(step):
                raise CorruptStream(f"{place}: a reference it needs is not there")
            with deterministic(stream.header.arithmetic.profile, self._codec.device):
                reference = self._decode_step(packet, step, stream, place)
            self._references.add(step, reference)
        self._references.release(group.steps[self._position :], group.horizon)
        if self._position == len(group.steps):
            self._group, self._next_first = None, group.last + 1

    def _next_step(self, packet: FramePacket, gop: GopStructure, place: str) -> tuple[Group, CodingStep]:
        """Return the next step of the GOP structure; raises CorruptStream if the packet is not that one."""
        group = self._group
        if group is None:
            group = self._group = group_of(gop, self._next_first, packet.group)
            starts_at_entry = self._packets == 0 and self._entry > 0
            if not starts_at_entry and group.first != self._next_first:
                raise CorruptStream(f"{place}: nothing can follow a short group but the end")
            self._position = _position_of(group, self._entry) if starts_at_entry else 0
            if packet.group is not None and packet.group >= group_length(gop, group.first):
                raise CorruptStream(f"{place}: a short group of {packet.group} frames is not short")
        elif packet.group is not None:
            raise CorruptStream(f"{place}: only the first packet of a group can say how long it is")
        step = group.steps[self._position]
        found = (packet.frames, packet.intra, packet.level)
        if found != (step.frames, not step.references, step.level):
            raise CorruptStream(
                f"{place}: it holds frames {packet.frames} at level {packet.level}, where the GOP structure "
                f"has {step.frames} at level {step.level}; a packet is missing or out of place"
            )
        return group, step

    def _decode_step(self, packet: FramePacket, step: CodingStep, stream: _Stream, place: str) -> Reference:
        codec, info = self._codec, stream.header.info
        frame_codec = codec.codec_of(step)
        packet = packet.base() if stream.base else _whole(packet, frame_codec, place)
        setting = Setting(
            torch.full((1,), packet.q, device=codec.device),
            codec.padded_size((info.height, info.width)),
            step.level,
            step.distances,
        )
        try:
            reader = self._reader(codec.coder, {layer.name: layer.data for layer in packet.layers})
            symbols = limited(reader, codec.profile)
            reference = frame_codec.code(None, self._references.of(step), setting, symbols)
            reader.finish()
        except StreamError as error:
            raise type(error)(f"{place}: {error}") from error
        _check_symbols(packet, reader.checksums, place)
        shown, coded = self._pictures(reference, step, stream)
        if packet.picture is not None and picture_checksum(coded) != packet.picture:
            raise ArithmeticMismatch(
                f"{place}: the symbols are right, the decoded picture is not: this machine computes "
                f"otherwise than the encoder's ({stream.header.arithmetic.environment})"
            )
        for frame, pts, planes in zip(step.frames, packet.times, shown, strict=True):
            if frame >= self._next_shown:
                self._ready[frame] = Picture(*planes, pts)
        return reference

    def _pictures(
        self, reference: Reference, step: CodingStep, stream: _Stream
    ) -> tuple[list[Planes], list[Planes]]:
        """Return what is shown of a step, and what its checksum is of: an intra frame's is of all of it."""
        codec, info, count = self._codec, stream.header.info, len(step.frames)
        small = base_planes_of(reference, count, info, codec.inter) if stream.base and codec.inter else None
        if small is not None and codec.codec_of(step).layers:
            return small, small
        whole = planes_of(reference, count, info, codec.layout)
        return small or whole, whole

    def _shown(self) -> list[Picture]:
        """Take from the decoded pictures those whose turn it is."""
        shown: list[Picture] = []
        while self._next_shown in self._ready:
            shown.append(self._ready.pop(self._next_shown))
            self._next_shown += 1
        return shown

    def _check_end(self, end: EndPacket) -> None:
        if self._group is not None:
            raise TruncatedStream(
                f"The stream ends within the group that starts at frame {self._group.first}"
            )
        if end.frames != self._next_first or (self._entry == 0 and end.packets != self._packets):
            raise CorruptStream(
                f"The stream should hold {end.frames} frames in {end.packets} packets; "
                f"{self._next_first} frames in {self._packets} packets were there"
            )


def _position_of(group: Group, frame: int) -> int:
    return next(at for at, step in enumerate(group.steps) if frame in step.frames)


def _whole(packet: FramePacket, codec: FrameCodec, place: str) -> FramePacket:
    """Return the packet, if no layer of it is missing."""
    there = [layer.name for layer in packet.layers]
    if missing := [name for name in codec.layers if name not in there]:
        raise CorruptStream(f"{place}: the layer {missing[0]!r} is missing. {WITHOUT_LAYERS}")
    return packet


def _check_symbols(packet: FramePacket, decoded: dict[str, int], place: str) -> None:
    for layer in packet.layers:
        if layer.symbols is None or layer.name not in decoded:
            continue
        if decoded[layer.name] & SYMBOLS_CHECK != layer.symbols:
            name = f" of layer {layer.name!r}" if layer.name else ""
            raise CorruptStream(
                f"{place}: the decoded symbols{name} are not those that were encoded: the data is damaged, "
                "or this machine computes otherwise than the encoder's"
            )
