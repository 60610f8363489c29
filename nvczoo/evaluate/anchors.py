"""x264, x265 and SVT-AV1 under the conditions of a neural codec: same pictures and intra period, no delay."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain
from math import log
from typing import Literal

import av
import torch
from av.video.codeccontext import VideoCodecContext
from torch import Tensor

from nvczoo.codec.video import Video
from nvczoo.errors import SettingError
from nvczoo.video.convert import fill_plane, plan
from nvczoo.video.libav_errors import video_errors
from nvczoo.video.picture import Picture, VideoInfo

Encoder = Literal["x264", "x265", "svtav1"]
RateMode = Literal["crf", "qp"]

LIBRARIES: dict[Encoder, str] = {"x264": "libx264", "x265": "libx265", "svtav1": "libsvtav1"}
DECODERS: dict[Encoder, str] = {"x264": "h264", "x265": "hevc", "svtav1": "libdav1d"}
PRESETS: dict[Encoder, str] = {"x264": "medium", "x265": "medium", "svtav1": "8"}
RATE_RANGES: dict[Encoder, tuple[float, float]] = {  # of CRF and QP, for 8-bit video
    "x264": (0.0, 51.0),
    "x265": (0.0, 51.0),
    "svtav1": (1.0, 63.0),
}
FIRST_CRF = 28.0
SVT_LOG_ERRORS = "1"  # SVT-AV1 writes its settings to stderr unless its environment says otherwise
SIZE_TOLERANCE = 0.01  # of the target: a hundredth of the rate is worth less than 0.1 dB
CRF_STEP = 0.02  # nearer than this, sizes differ by chance
MAX_RUNS = 10  # encodings for one target
# x264 signs its stream with all its settings in an SEI message of 700 bytes, a decoder needs none of it.
SIGNATURE = re.compile(rb"\x00\x00\x00?\x01\x06\x05.*?(?=\x00\x00\x00?\x01|$)", re.DOTALL)


@dataclass(frozen=True)
class AnchorSettings:
    """How an anchor encodes: no B frames, an intra frame every ``intra_period`` (-1: only the first).

    ``tune`` is "psnr" unless asked otherwise: without it both encoders trade PSNR for looks, and a
    comparison by PSNR would favour us.
    """

    encoder: Encoder
    preset: str = "medium"
    rate: float = FIRST_CRF
    mode: RateMode = "crf"
    intra_period: int = 32
    tune: str | None = "psnr"
    threads: int = 1

    def __post_init__(self) -> None:
        if self.encoder not in LIBRARIES:
            raise SettingError(f"There is no anchor {self.encoder!r}; known are {', '.join(LIBRARIES)}")
        low, high = RATE_RANGES[self.encoder]
        if not low <= self.rate <= high:
            raise SettingError(
                f"{self.mode} of {self.encoder} is {self.rate!r}; give {low:g} (best) to {high:g}"
            )
        if self.intra_period < 1 and self.intra_period != -1:
            raise SettingError(f"The intra period is {self.intra_period}; give at least 1, or -1 for none")
        if self.threads < 1:
            raise SettingError(f"threads is {self.threads}; give at least 1")

    @property
    def label(self) -> str:
        """The encoder and its preset, as in "x265 medium"."""
        return f"{self.encoder} {self.preset}"

    @property
    def options(self) -> dict[str, str]:
        """The options libav is given; all others are as the encoder has them."""
        if self.encoder == "svtav1":
            return {"preset": self.preset, self.mode: f"{self.rate:g}"} | {"svtav1-params": self._svt_params}
        period = self.intra_period
        params = [f"keyint={'infinite' if period == -1 and self.encoder == 'x264' else period}"]
        params += ["scenecut=0", "bframes=0", "open-gop=0"]
        if self.encoder == "x265":
            # One frame at a time: more would change the result with the number of cores.
            params += ["info=0", "log-level=error", "frame-threads=1", f"pools={self.threads}"]
        options = {"preset": self.preset, self.mode: f"{self.rate:g}"}
        if self.tune is not None:
            options["tune"] = self.tune
        return options | {f"{self.encoder}-params": ":".join(params)}

    @property
    def _svt_params(self) -> str:
        """Low delay, closed groups of this length, no cuts of its own; tune 1 is PSNR, 0 is for looks."""
        params = [f"pred-struct=1:keyint={self.intra_period}:irefresh-type=2:scd=0:lp={self.threads}"]
        if self.tune is not None:
            params += ["tune=1" if self.tune == "psnr" else f"tune={self.tune}"]
        return ":".join(params)

    def __str__(self) -> str:
        options = " ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{LIBRARIES[self.encoder]} {options} threads={self.threads}"


@dataclass(frozen=True, eq=False)
class AnchorStream:
    """What an anchor made of a video; bytes are those of the elementary stream, unsigned."""

    settings: AnchorSettings
    info: VideoInfo
    packets: tuple[bytes, ...]
    encode_seconds: float

    @cached_property
    def size(self) -> int:
        """Bytes of all packets."""
        return sum(map(len, self.packets))


def available(encoder: Encoder) -> bool:
    """Return whether the installed PyAV has this encoder."""
    return LIBRARIES[encoder] in av.codecs_available


def encode(video: Video, settings: AnchorSettings) -> AnchorStream:
    """Return the video as the anchor codes it; raises VideoError for a preset or tune it does not know."""
    os.environ.setdefault("SVT_LOG", SVT_LOG_ERRORS)
    frames = [_frame(picture, number, video.info) for number, picture in enumerate(video)]
    with video_errors(f"{settings} failed"):
        context = av.CodecContext.create(LIBRARIES[settings.encoder], "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height = frames[0].width, frames[0].height
        context.pix_fmt = "yuv420p"
        context.framerate = video.info.frame_rate
        context.time_base = 1 / video.info.frame_rate
        context.thread_count, context.thread_type = settings.threads, "FRAME"
        context.options = _with_safe_kernels(settings.options)
        start = time.perf_counter()
        packets = [bytes(packet) for frame in chain(frames, (None,)) for packet in context.encode(frame)]
        seconds = time.perf_counter() - start
    if settings.encoder == "x264":
        packets[0] = SIGNATURE.sub(b"", packets[0])
    return AnchorStream(settings, video.info, tuple(packets), seconds)


def _with_safe_kernels(options: dict[str, str]) -> dict[str, str]:
    """Keep x264 from its AVX-512 kernels: in one encoding of a hundred those of its macroblock tree read what
    nobody wrote, and the stream is another one. All kernels are meant to give the same, so the settings that
    identify a measurement do not name them."""
    if "x264-params" in options and torch.backends.cpu.get_cpu_capability() == "AVX512":
        return options | {"x264-params": options["x264-params"] + ":asm=AVX2"}
    return options


def decode(stream: AnchorStream) -> tuple[list[Picture], float]:
    """Return the decoded pictures, and the seconds it took with as many threads."""
    with video_errors(f"{stream.settings.label} cannot be decoded"):
        context = av.CodecContext.create(DECODERS[stream.settings.encoder], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = stream.settings.threads
        packets = [av.Packet(data) for data in stream.packets]
        start = time.perf_counter()
        frames = [frame for packet in chain(packets, (None,)) for frame in context.decode(packet)]
        seconds = time.perf_counter() - start
    conversion = plan(frames[0], stream.info.colour, allowed=False)
    pictures = (conversion.picture(frame, number) for number, frame in enumerate(frames))
    return [_cropped(picture, stream.info) for picture in pictures], seconds


def match_sizes(
    targets: tuple[int, ...], settings: AnchorSettings, encoding: Callable[[AnchorSettings], AnchorStream]
) -> list[AnchorStream]:
    """Return, for each target in bytes, the encoding nearest to it over real-valued CRF.

    ``encoding`` encodes the video with given settings; what was tried for one target serves the others.
    Out of reach, the nearest is that of the lowest or highest CRF: look at its size.
    """
    tried: dict[float, AnchorStream] = {}
    bounds = RATE_RANGES[settings.encoder]
    for target in targets:
        for _ in range(MAX_RUNS):
            crf = _next_crf(tried, target, bounds)
            if crf is None:
                break
            tried[crf] = encoding(replace(settings, mode="crf", rate=crf))
    return [min(tried.values(), key=lambda stream: _miss(stream, target)) for target in targets]


def _next_crf(tried: dict[float, AnchorStream], target: int, bounds: tuple[float, float]) -> float | None:
    """Return the CRF to try next; None if the best so far is good enough, or none is better."""
    if any(_miss(stream, target) <= SIZE_TOLERANCE for stream in tried.values()):
        return None
    if not tried:
        return FIRST_CRF
    low = max((crf for crf, stream in tried.items() if stream.size > target), default=None)
    high = min((crf for crf, stream in tried.items() if stream.size <= target), default=None)
    if low is None or high is None:
        return _beyond(tried, target, bounds)
    if high - low < CRF_STEP:
        return None
    # The logarithm of the size is almost a line; a margin keeps the step from shrinking to nothing.
    over, under = log(tried[low].size / target), log(target / tried[high].size)
    share = min(max(over / (over + under), 0.05), 0.95)
    return round(low + share * (high - low), 2)


def _beyond(tried: dict[float, AnchorStream], target: int, bounds: tuple[float, float]) -> float | None:
    """Return a CRF outside all tried, where size 2 to 1 is taken for 4 steps, or None at the end."""
    crf = min(tried, key=lambda one: _miss(tried[one], target))
    wanted = crf + 4 * log(tried[crf].size / target, 2) * 1.2
    bounded = round(min(max(wanted, bounds[0]), bounds[1]), 2)
    return None if bounded in tried else bounded


def _miss(stream: AnchorStream, target: int) -> float:
    return abs(log(stream.size / target))


def _frame(picture: Picture, number: int, info: VideoInfo) -> av.VideoFrame:
    """Return the picture for an encoder, which takes even sides only: the last row or column twice."""
    width, height = picture.width + picture.width % 2, picture.height + picture.height % 2
    frame = av.VideoFrame(width, height, "yuv420p")
    for index, plane in enumerate((evened(picture.y), picture.u, picture.v)):
        fill_plane(frame, index, plane)
    frame.pts, frame.time_base = number, 1 / Fraction(info.frame_rate)
    return frame


def evened(plane: Tensor) -> Tensor:
    """Return a plane with even sides: the last row or column twice where they are odd."""
    height, width = plane.shape
    plane = torch.cat((plane, plane[:, -1:]), 1) if width % 2 else plane
    return torch.cat((plane, plane[-1:]), 0) if height % 2 else plane


def _cropped(picture: Picture, info: VideoInfo) -> Picture:
    return Picture(picture.y[: info.height, : info.width], picture.u, picture.v)
