"""Encoding to a rate, a size or a quality: the whole video, at most four times, over real-valued q."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Literal

from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import EncodeOptions, FileResult, OpensEncoders, Report, encode_file
from nvczoo.codec.info import stream_info
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import SettingError
from nvczoo.evaluate.metrics import VideoQuality, frame_quality
from nvczoo.interfaces import Q_MAX, Q_MIN
from nvczoo.video.atomic import atomic_output
from nvczoo.video.reader import VideoReader

Kind = Literal["bitrate", "bpp", "psnr", "size"]

MAX_PASSES = 4
TOLERANCE = 0.03  # of a rate, as a part of it: what is promised
# A pass less is worth more than coming nearer than this: a part of a rate, or dB.
GOOD_ENOUGH = {"bitrate": 0.01, "bpp": 0.01, "size": 0.01, "psnr": 0.05}
PSNR_TOLERANCE = 0.25  # dB
# How the logarithm of the rate, or the PSNR in dB, grows with q; only the second pass relies on it.
USUAL_SLOPES = {"bitrate": 0.058, "bpp": 0.058, "size": 0.058, "psnr": 0.18}
UNITS = {"bitrate": "bit/s", "bpp": "bit per pixel", "size": "bytes", "psnr": "dB"}
FIRST_Q = 32.0


@dataclass(frozen=True)
class Target:
    """What is wanted: bit/s or bits per luma sample of the frames, bytes of the whole file, or dB.

    PSNR is 6:1:1, the mean over frames.
    """

    kind: Kind
    value: float

    def __post_init__(self) -> None:
        if not self.value > 0:
            raise SettingError(f"The {self.kind} wanted is {self.value:g}; it must be more than 0")

    def __str__(self) -> str:
        return f"{self.value:g} {UNITS[self.kind]}"

    @property
    def goal(self) -> float:
        """The value on the scale that is almost a line over q."""
        return self._scaled(self.value)

    def miss(self, value: float) -> float:
        """Return how far a value is above the target: as a part of a rate, or in dB."""
        return value - self.value if self.kind == "psnr" else value / self.value - 1

    def reached(self, value: float) -> bool:
        """Return whether a value is as near as is promised."""
        return abs(self.miss(value)) <= (PSNR_TOLERANCE if self.kind == "psnr" else TOLERANCE)

    def _scaled(self, value: float) -> float:
        return value if self.kind == "psnr" else log(value)

    def next_q(self, tried: dict[float, float]) -> float | None:
        """Return the q to try, given the values at others; None if the best is near enough, or at an end."""
        if not tried:
            return FIRST_Q
        best = min(tried, key=lambda q: abs(self.miss(tried[q])))
        if abs(self.miss(tried[best])) <= GOOD_ENOUGH[self.kind]:
            return None
        points = sorted((q, self._scaled(value) - self.goal) for q, value in tried.items())
        q = min(max(_root(points, USUAL_SLOPES[self.kind]), Q_MIN), Q_MAX)
        return None if q in tried else q


@dataclass(frozen=True)
class TargetResult:
    """The stream that was kept."""

    q: float
    value: float  # of what was wanted
    passes: int
    file: FileResult


def encode_to_target(
    codec: VideoCodec,
    opened: Callable[[], VideoReader],
    path: str | os.PathLike[str],
    target: Target,
    options: EncodeOptions,
    overwrite: bool = False,
    progress: Callable[[int], Report | None] = lambda _: None,
    encoders: OpensEncoders | None = None,
) -> TargetResult:
    """Encode what ``opened`` gives, again and again, until it has what is wanted; keep the nearest.

    ``progress`` gives what to call in a pass, ``encoders`` codes instead of the codec. Raises SettingError,
    and writes nothing, if even q 0 is larger than wanted, or q 63 worse.
    """
    with atomic_output(path, overwrite) as best:
        trial = best.with_name(f"{best.name}.trial")
        try:
            return _search(codec, encoders or codec, opened, best, trial, target, options, progress)
        finally:
            trial.unlink(missing_ok=True)


def _search(
    codec: VideoCodec,
    encoders: OpensEncoders,
    opened: Callable[[], VideoReader],
    best: Path,
    trial: Path,
    target: Target,
    options: EncodeOptions,
    progress: Callable[[int], Report | None],
) -> TargetResult:
    tried: dict[float, float] = {}
    kept: TargetResult | None = None
    while len(tried) < MAX_PASSES and (q := target.next_q(tried)) is not None:
        with opened() as reader:
            file = encode_file(encoders, reader, trial, q, options, True, progress(len(tried) + 1))
        tried[q] = MEASURES[target.kind](codec, trial, opened)
        if kept is None or abs(target.miss(tried[q])) < abs(target.miss(kept.value)):
            kept = TargetResult(q, tried[q], len(tried), file)
            os.replace(trial, best)
    assert kept is not None
    _check_reach(target, kept)
    return TargetResult(kept.q, kept.value, len(tried), kept.file)


def _check_reach(target: Target, kept: TargetResult) -> None:
    """Raise SettingError if what is wanted at most, or at least, cannot be had."""
    if target.reached(kept.value):
        return
    if target.kind == "psnr":
        beyond = kept.q == Q_MAX and kept.value < target.value
    else:
        beyond = kept.q == Q_MIN and kept.value > target.value
    if beyond:
        had = f"{kept.value:.6g} {UNITS[target.kind]}"
        raise SettingError(f"{target} is out of reach: q {kept.q:g} gives {had} with this model")


def _root(points: list[tuple[float, float]], usual: float) -> float:
    """Return where the curve through (q, miss) is zero, by the points nearest to that."""
    below = [point for point in points if point[1] <= 0]
    above = [point for point in points if point[1] > 0]
    if below and above:
        (low, under), (high, over) = below[-1], above[0]
        straight = low - under * (high - low) / (over - under)
        bent = _bent_root(points)
        if bent is None or not low < bent < high:
            return straight
        return (straight + bent) / 2  # a curve that is not quite smooth misleads the bent one more
    near = sorted(points, key=lambda point: abs(point[1]))
    (q, miss), *others = near
    slope = usual
    if others and others[0][0] != q:
        found = (others[0][1] - miss) / (others[0][0] - q)
        slope = min(max(found, usual / 4), usual * 4)  # a flat end of the range must not throw it far off
    return q - miss / slope


def _bent_root(points: list[tuple[float, float]]) -> float | None:
    """Return the zero of a curve by inverse quadratic interpolation, or None without three heights."""
    near = sorted(points, key=lambda point: abs(point[1]))[:3]
    if len({miss for _, miss in near}) < 3:
        return None
    total = 0.0
    for q, miss in near:
        weight = 1.0
        for _, other in near:
            if other != miss:
                weight *= other / (other - miss)
        total += q * weight
    return total


def _bit_rate(_codec: VideoCodec, path: Path, _opened: Callable[[], VideoReader]) -> float:
    return stream_info(path).video_bit_rate


def _bpp(_codec: VideoCodec, path: Path, _opened: Callable[[], VideoReader]) -> float:
    return stream_info(path).bits_per_pixel


def _size(_codec: VideoCodec, path: Path, _opened: Callable[[], VideoReader]) -> float:
    return path.stat().st_size


def _psnr(codec: VideoCodec, path: Path, opened: Callable[[], VideoReader]) -> float:
    """Return the mean PSNR 6:1:1 of a stream; one picture at a time, however long it is."""
    session, frames = codec.decoder(), []
    with opened() as reader, path.open("rb") as file:
        stream = StreamReader(file)
        session.push(stream.header)
        decoded = (picture for packet in stream for picture in session.push(packet))
        for theirs in decoded:
            frames.append(frame_quality(next(reader), theirs, similarity=False))
        for theirs in session.flush():
            frames.append(frame_quality(next(reader), theirs, similarity=False))
    return VideoQuality(tuple(frames)).mean.psnr_611


MEASURES = {"bitrate": _bit_rate, "bpp": _bpp, "size": _size, "psnr": _psnr}
