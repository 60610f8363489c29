"""VVenC as an anchor, by an ffmpeg that has libvvenc; what it wrote is decoded by libav's own decoder."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np
import torch

from nvczoo.codec.video import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate.anchors import evened
from nvczoo.evaluate.coded import Coded, CodedFrame
from nvczoo.evaluate.ffmpeg import version_of
from nvczoo.video.libav_errors import video_errors
from nvczoo.video.picture import Picture, VideoInfo

if TYPE_CHECKING:
    from nvczoo.evaluate.contenders import CodingSetting

PRESETS = ("faster", "fast", "medium", "slow", "slower")
QPS = (22.0, 27.0, 32.0, 37.0, 42.0, 47.0)
QP_MAX = 63
# VVenC has low delay for groups of 8 only, and then no refresh: frames may look past an intra frame.
LOW_DELAY = "PicReordering=0:GOPSize=8:DecodingRefreshType=none"
RUN_LIMIT = 24 * 3600  # seconds
STDERR_SHOWN = 500  # characters


@dataclass(frozen=True)
class VvencEncoder:
    """VVenC at a preset, by constant QP; ten bits inside, as it is meant to be used."""

    ffmpeg: str
    preset: str = "medium"
    points: tuple[float, ...] = QPS
    threads: int = 1

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise SettingError(f"There is no preset {self.preset!r} of vvenc; known are {', '.join(PRESETS)}")
        wrong = [qp for qp in self.points if qp != int(qp) or not 0 <= qp <= QP_MAX]
        if wrong:
            raise SettingError(f"qp of vvenc is {wrong[0]:g}; give whole numbers, 0 (best) to {QP_MAX}")

    @property
    def label(self) -> str:
        """The encoder and its preset, as in "vvenc-medium"."""
        return f"vvenc-{self.preset}"

    def point_name(self, point: float) -> str:
        """Return "qp 32"."""
        return f"qp {point:g}"

    def question(self) -> Mapping[str, object]:
        """Return the options, and which ffmpeg has them."""
        return {"anchor": self.label, "options": self.options(0, 1), "program": version_of(self.ffmpeg)}

    def options(self, qp: float, period: int) -> list[str]:
        """Return ffmpeg's options; no perceptual adaption, as a comparison is by PSNR."""
        params = f"IntraPeriod={period}:{LOW_DELAY}:Threads={self.threads}"
        quality = ["-preset", self.preset, "-qp", f"{qp:g}", "-qpa", "0"]
        return ["-c:v", "libvvenc", *quality, "-vvenc-params", params]

    def code(self, video: Video, point: float, setting: CodingSetting) -> Coded:
        """Encode by ffmpeg, decode by libav."""
        options = self.options(point, setting.intra_period)
        with tempfile.TemporaryDirectory() as folder:
            source, stream = Path(folder) / "in.yuv", Path(folder) / "out.266"
            with source.open("wb") as file:
                for picture in video:
                    _write(picture, file)
            start = time.perf_counter()
            self._encode(video.info, source, stream, options)
            encoded = time.perf_counter()
            pictures, frames = _decoded(stream, video.info)
            decoded = time.perf_counter()
            size = stream.stat().st_size
        settings = f"{' '.join(options)}; coded in 10 bits, compared in 8"
        identity, proof = f"vvenc, {version_of(self.ffmpeg)}", "decoded by libav from the file"
        return Coded(size, pictures, frames, (encoded - start, decoded - encoded), settings, identity, proof)

    def _encode(self, info: VideoInfo, source: Path, stream: Path, options: list[str]) -> None:
        size = f"{info.width + info.width % 2}x{info.height + info.height % 2}"
        form = ["-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", size, "-r", str(info.frame_rate)]
        command = [self.ffmpeg, "-v", "error", "-nostdin", *form, "-i", str(source), *options, "-f", "vvc"]
        try:
            done = subprocess.run(
                [*command, str(stream)], capture_output=True, text=True, timeout=RUN_LIMIT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VideoError(f"{self.ffmpeg} cannot be run: {error}") from error
        if done.returncode or not stream.is_file() or not stream.stat().st_size:
            raise VideoError(f"{self.label} failed: {done.stderr.strip()[-STDERR_SHOWN:]}")


def _write(picture: Picture, file: BinaryIO) -> None:
    """Write the planes in ten bits, sides made even, for ffmpeg converts eight bits in more ways than one."""
    for plane in (evened(picture.y), picture.u, picture.v):
        file.write((plane.cpu().numpy().astype("<u2") << 2).tobytes())


def _decoded(stream: Path, info: VideoInfo) -> tuple[list[Picture], tuple[CodedFrame, ...]]:
    with video_errors("VVenC's stream cannot be decoded"), av.open(str(stream), format="vvc") as container:
        sizes, shown = [], []
        for packet in container.demux(video=0):
            sizes += [packet.size] if packet.size else []
            shown += packet.decode()
    frames = (CodedFrame(8 * size, bool(one.key_frame)) for size, one in zip(sizes, shown, strict=True))
    return [_picture(frame, info) for frame in shown], tuple(frames)


def _picture(frame: av.VideoFrame, info: VideoInfo) -> Picture:
    """Return a decoded frame, rounded to eight bits."""
    planes = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), "<u2").reshape(plane.height, plane.line_size // 2)[
            :, : plane.width
        ]
        planes.append(torch.from_numpy(np.minimum((rows + 2) >> 2, 255).astype(np.uint8)))
    y, u, v = planes
    return Picture(y[: info.height, : info.width], u, v)
