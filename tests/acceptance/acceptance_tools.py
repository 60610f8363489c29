"""What the acceptance tests measure with."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

import nvczoo
from nvczoo.codec import Video
from nvczoo.codec.files import EncodeOptions
from nvczoo.evaluate.metrics import video_quality
from nvczoo.video import open_video

FRAMES = 33  # one intra period and the next intra frame
SAMPLES = 1_500_000  # of luma are enough: 15 frames of 416x240, 3 of 832x480
CLIPS = (
    "calendar_180x144",
    "carphone_176x144",
    "crowd_run_1280x720",
    "davis_car-roundabout_640x360",
    "davis_dance-twirl_416x240",
    "davis_horsejump-high_832x480",
    "davis_kite-surf_416x240",
    "foreman_176x144",
    "mobile_352x288",
    "park_joy_480x270",
    "racehorses_832x480_2f",
    "reds000_320x180",
)
# By phase correlation at full size, the border of these pictures stays within a fifth of a pixel over half a
# second. Next comes crowd_run, whose camera drifts by 1.5 pixels in its ten frames; all others move more.
STATIC_CLIPS = ("carphone_176x144",)


@dataclass(frozen=True)
class Point:
    """A point of a rate-distortion curve."""

    rate: float  # bits per pixel, from the bytes of the whole stream
    psnr: float  # dB, 6:1:1, mean over frames

    @staticmethod
    def rate_at(curve: Sequence["Point"], psnr: float) -> float:
        """Return the rate at which a curve has this PSNR, the logarithm of the rate linear in between."""
        psnrs = [point.psnr for point in curve]
        assert psnrs[0] <= psnr <= psnrs[-1], f"{psnr:.2f} dB is outside the curve"
        return float(np.exp(np.interp(psnr, psnrs, [np.log(point.rate) for point in curve])))


def run(*arguments: object, threads: int = 2) -> subprocess.CompletedProcess[bytes]:
    """Run ``nvczoo`` in a fresh process with so many threads."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "nvczoo", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, check=True)


def pictures_of(path: Path, frames: int) -> Video:
    """Return the first pictures of a file."""
    with open_video(path) as reader:
        return Video(reader.info, tuple(islice(reader, frames)))


def frames_of(path: Path, most: int = FRAMES) -> int:
    """Return how many frames of a file are coded: fewer of large ones."""
    info = pictures_of(path, 1).info
    return max(2, min(most, SAMPLES // (info.width * info.height)))


def measure(codec: nvczoo.VideoCodec, path: Path, q: float, intra_period: int | None = None) -> Point:
    """Return rate and quality of the first frames, from the real stream."""
    video = pictures_of(path, frames_of(path))
    data = codec.encode(video, q, EncodeOptions(intra_period=intra_period))
    quality = video_quality(video, codec.decode(data)).mean
    pixels = len(video.pictures) * video.info.width * video.info.height
    return Point(8 * len(data) / pixels, quality.psnr_611)
