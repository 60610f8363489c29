"""PSNR of RGB, by a named matrix and range: half a decibel hangs on which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nvczoo.codec.pictures import WEIGHTS
from nvczoo.codec.video import Video
from nvczoo.errors import SettingError
from nvczoo.evaluate.metrics import psnr
from nvczoo.video.colour import ColourMatrix, rgb_from_planes
from nvczoo.video.picture import Picture

# Names -> H.273 code points of matrices.
STANDARDS = {"bt709": 1, "bt601": 6, "bt2020": 9}
RANGES = {"full": True, "limited": False}
NAMES = tuple(f"{standard}-{span}" for standard in STANDARDS for span in RANGES)


def colour_of(name: str) -> tuple[int, bool]:
    """Return the H.273 code point of a named matrix, and whether the range is full; raises SettingError."""
    if name not in NAMES:
        raise SettingError(f"There is no matrix {name!r}; known are {', '.join(NAMES)}")
    standard, _, span = name.partition("-")
    return STANDARDS[standard], RANGES[span]


def named_matrix(name: str) -> ColourMatrix:
    """Return the matrix of "bt709-full" and the like; raises SettingError."""
    matrix, full_range = colour_of(name)
    return ColourMatrix(*WEIGHTS[matrix], full_range)


def taken_as(video: Video, name: str) -> Video:
    """Return the video as if it said that the named matrix makes its RGB: codecs of RGB then see that."""
    matrix, full_range = colour_of(name)
    colour = replace(video.info.colour, matrix=matrix, full_range=full_range)
    return replace(video, info=replace(video.info, colour=colour))


def psnr_rgb(original: Iterable[Picture], decoded: Iterable[Picture], matrix: ColourMatrix) -> float:
    """Return the mean over frames of PSNR over all samples of 8-bit RGB, in dB.

    Both sides come from 4:2:0 by the same matrix; each chroma sample serves its 2x2 block.
    """
    values = []
    for pair in zip(original, decoded, strict=True):
        mine, theirs = (rgb_from_planes(one.planes, matrix).flatten(0, 1) for one in pair)
        values.append(psnr(mine, theirs))
    return sum(values) / len(values)
