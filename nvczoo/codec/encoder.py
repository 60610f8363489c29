"""Pictures in, packets out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nvczoo.codec.arithmetic import arithmetic_of, deterministic, limited
from nvczoo.codec.container import Packet
from nvczoo.codec.effort import checked_effort
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.frames import image_from_planes
from nvczoo.codec.gop_options import Group, describe_gop, group_length, group_of
from nvczoo.codec.header import IDENTITY_BYTES, MAX_PTS, Q_STEPS, StreamHeader
from nvczoo.codec.layer_packet import MAX_FRAMES, SYMBOLS_CHECK, Layer
from nvczoo.codec.lookahead import LOOKAHEAD, LookAhead
from nvczoo.codec.packets import EndPacket
from nvczoo.codec.pictures import base_planes_of, matrix_for, picture_checksum, planes_of
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.codec.scalable import LayerChoice, described_layers, wants_base
from nvczoo.entropy.streams import BaseOnly, BitWriter
from nvczoo.errors import SettingError, ShapeError
from nvczoo.interfaces import (
    Q_MAX,
    Q_MIN,
    THOROUGH,
    CodingStep,
    EntropyCoder,
    GopStructure,
    Plan,
    Reference,
    Setting,
)
from nvczoo.video.picture import Picture, VideoInfo

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec


@dataclass(frozen=True)
class _Waiting:
    """A picture that is not coded yet."""

    picture: Picture
    pts: int
    q: float


class EncoderSession:
    """Codes the pictures of one video, in display order; memory stays flat however long it is."""

    def __init__(
        self,
        codec: VideoCodec,
        info: VideoInfo,
        q: float,
        gop: GopStructure,
        picture_checksums: bool = False,
        writer: Callable[[EntropyCoder], BitWriter] = BitWriter,
        layers: LayerChoice = "all",
        effort: int = THOROUGH,
        lookahead: int = LOOKAHEAD,
    ) -> None:
        """``writer`` makes what takes a step's symbols: a child of ``BitWriter`` can watch them."""
        codec.check_ready(gop)
        self._layers = described_layers(codec.intra, codec.inter, info)
        self._base_only = wants_base(self._layers, layers, f"The model {codec.name!r}")
        self._codec = codec
        self._info = info
        self._q = checked_q(q)
        self._gop = gop
        self._picture_checksums = picture_checksums
        self._writer = writer
        self._effort = checked_effort(effort)
        self._ahead = LookAhead(codec, gop, self._effort, lookahead)
        self._header: StreamHeader | None = None  # made at the first picture: it holds its time
        self._references = ReferenceBuffer()
        self._waiting: list[_Waiting] = []
        self._last_pts = 0
        self._frames = 0  # pushed
        self._packets = 0
        self._flushed = False

    @property
    def references(self) -> int:
        """How many references are kept at the moment."""
        return len(self._references)

    def push(self, picture: Picture, q: float | None = None) -> list[Packet]:
        """Return the packets that are ready: none while pictures wait, the header before all others.

        ``q`` is for this picture alone.
        """
        return list(self.pushing(picture, q))

    def pushing(self, picture: Picture, q: float | None = None) -> Iterator[Packet]:
        """Give what ``push`` returns, each packet as soon as there is one; to be gone through to the end."""
        self._check(picture)
        own_q = self._q if q is None else checked_q(q)
        if self._header is None:
            self._header = self._make_header(picture)
            yield self._header
        self._last_pts = self._pts_of(picture, self._header)
        self._waiting.append(_Waiting(picture, self._last_pts, own_q))
        self._frames += 1
        if self._ahead.looks:
            with deterministic(self._codec.precision, self._codec.device):
                self._ahead.look(self._image(picture))
        if self._ahead.complete(self._frames - len(self._waiting), len(self._waiting)):
            yield from self._code_waiting(last=False)

    def skip(self, picture: Picture) -> StreamHeader:
        """Count a picture that another session codes, before the first of ours; return the stream's header.

        The first picture that is pushed after it must be one that none before it is needed for.
        """
        self._check(picture)
        if self._header is None:
            self._header = self._make_header(picture)
        self._last_pts = self._pts_of(picture, self._header)
        self._frames += 1
        return self._header

    def flush(self, track_packets: int = 0) -> list[Packet]:
        """Return the packets of pictures that wait and the end packet; the session is spent."""
        return list(self.flushing(track_packets))

    def flushing(self, track_packets: int = 0) -> Iterator[Packet]:
        """Give what ``flush`` returns, each packet as soon as there is one; to be gone through to the end."""
        if self._header is None:
            raise SettingError("There is no picture to encode; a stream needs one at least")
        if self._waiting:
            yield from self._code_waiting(last=True)
        self._flushed = True
        yield EndPacket(self._frames, self._packets, track_packets)

    def _check(self, picture: Picture) -> None:
        if self._flushed:
            raise SettingError("The session has been flushed; open another one for another video")
        if (picture.width, picture.height) != (self._info.width, self._info.height):
            raise ShapeError(
                f"Picture {self._frames} is {picture.width}x{picture.height}, "
                f"the video {self._info.width}x{self._info.height}"
            )
        if abs(picture.pts or 0) > MAX_PTS:
            raise SettingError(
                f"Picture {self._frames} has the time {picture.pts}; at most {MAX_PTS} is possible"
            )
        if self._frames > MAX_FRAMES:
            raise SettingError(f"A stream holds at most {MAX_FRAMES} frames; begin another one")

    def _make_header(self, picture: Picture) -> StreamHeader:
        codec = self._codec
        return StreamHeader(
            model=codec.name,
            identity=codec.identity[:IDENTITY_BYTES],
            info=self._info,
            gop=describe_gop(self._gop),
            coder=codec.coder.format,
            arithmetic=arithmetic_of(codec, codec.profile),
            q=self._q,
            start=picture.pts or 0,
            picture_checksums=self._picture_checksums,
            layers=None if self._layers is None else replace(self._layers, base_only=self._base_only),
        )

    def _pts_of(self, picture: Picture, header: StreamHeader) -> int:
        if picture.pts is not None:
            return picture.pts
        if self._frames == 0:
            return header.start
        return self._last_pts + header.expected_pts(self._frames) - header.expected_pts(self._frames - 1)

    def _code_waiting(self, last: bool) -> Iterator[Packet]:
        """Code all pictures that wait; ``last`` says that no others follow."""
        waiting, self._waiting = self._waiting, []
        first = self._frames - len(waiting)
        q = torch.full((1,), waiting[0].q, device=self._codec.device)
        with deterministic(self._codec.precision, self._codec.device):
            plans = self._ahead.planned(q, first, len(waiting), last)
        while waiting:
            group = group_of(self._gop, first, len(waiting))
            count = group.last + 1 - first
            yield from self._code_group(group, waiting[:count], plans[:count])
            waiting, plans, first = waiting[count:], plans[count:], first + count

    def _code_group(
        self, group: Group, waiting: list[_Waiting], plans: tuple[Plan | None, ...]
    ) -> Iterator[Packet]:
        short = len(waiting) if len(waiting) < group_length(self._gop, group.first) else None
        for number, step in enumerate(group.steps):
            chosen = [waiting[frame - group.first] for frame in step.frames]
            plan = plans[step.frames[0] - group.first]
            with deterministic(self._codec.precision, self._codec.device):
                packet, reference = self._code_step(step, chosen, plan, short if number == 0 else None)
            self._references.add(step, reference)
            self._references.release(group.steps[number + 1 :], group.horizon)
            self._packets += 1
            yield packet

    def _code_step(
        self, step: CodingStep, chosen: list[_Waiting], plan: Plan | None, short_group: int | None
    ) -> tuple[FramePacket, Reference]:
        codec = self._codec
        frame_codec = codec.codec_of(step)
        images = [self._image(one.picture) for one in chosen]
        images += images[-1:] * (frame_codec.frames_per_step - len(images))
        image = images[0] if frame_codec.frames_per_step == 1 else torch.stack(images, 1)
        q = step.quality(torch.full((1,), chosen[0].q, device=codec.device), plan)
        setting = Setting(
            q,
            codec.padded_size((self._info.height, self._info.width)),
            step.level,
            step.distances,
            self._effort,
            None if plan is None else plan.worth,
        )
        writer = self._writer(codec.coder)
        symbols = limited(writer, codec.profile)
        stream = BaseOnly(symbols) if self._base_only else symbols
        reference = frame_codec.code(image, self._references.of(step), setting, stream)
        coded = writer.finish()
        checksums = writer.checksums
        has_layers = bool(frame_codec.layers)
        packet = FramePacket(
            frame=step.frames[0],
            times=tuple(one.pts for one in chosen),
            q=float(q),
            layers=tuple(Layer(data, name, checksums[name] & SYMBOLS_CHECK) for name, data in coded),
            intra=not step.references,
            level=step.level,
            group=short_group,
            picture=self._picture_checksum(reference, len(chosen), has_layers and self._base_only),
            base_picture=self._picture_checksum(reference, len(chosen), True) if len(coded) > 1 else None,
        )
        return packet, reference

    def _image(self, picture: Picture) -> Tensor:
        codec = self._codec
        y, u, v = (plane.to(codec.device) for plane in picture.planes)
        return image_from_planes(
            (y, u, v), codec.layout, codec.stride, matrix_for(codec.layout, self._info.colour)
        )

    def _picture_checksum(self, reference: Reference, count: int, base: bool) -> int | None:
        if not self._picture_checksums:
            return None
        codec, info = self._codec, self._info
        if base and codec.inter is not None:
            return picture_checksum(base_planes_of(reference, count, info, codec.inter))
        return picture_checksum(planes_of(reference, count, info, codec.layout))


def checked_q(q: float) -> float:
    """Return ``q`` in the steps that a stream stores; raises SettingError outside 0..63."""
    if isinstance(q, bool) or not isinstance(q, int | float) or not Q_MIN <= q <= Q_MAX:
        raise SettingError(f"q is {q!r}; give a number from {Q_MIN:g} (smallest) to {Q_MAX:g} (best)")
    return round(q * Q_STEPS) / Q_STEPS
