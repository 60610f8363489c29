"""Decoded frames as 8-bit 4:2:0 pictures: untouched where they are that already, converted on request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import av
import numpy as np
import torch
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from torch import Tensor

from nvczoo.errors import VideoError
from nvczoo.video.picture import UNSPECIFIED, Colour, Picture

UNTOUCHED = ("yuv420p", "yuvj420p", "nv12")  # nv12 has the same samples, U and V in turn
BT709, SRGB = 1, 13  # H.273: matrix and primaries; transfer
# One fixed way on every machine; chroma is taken from all pixels it covers, not from every second one.
_SCALING = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
)


class Source(Enum):
    """What a pixel format holds; each is converted in its own way."""

    YUV = "matrix and range kept, chroma by bicubic scaling, depth by rounding with ordered dither"
    GREY = "luma kept, chroma set to 128"
    RGB = "matrix BT.709, full range, chroma by bicubic scaling"


@dataclass(frozen=True)
class Conversion:
    """How frames of one pixel format become pictures, decided once per video."""

    pixel_format: str
    source: Source
    colour: Colour  # of the pictures that come out
    text: str | None  # None if nothing changes

    def picture(self, frame: av.VideoFrame, pts: int) -> Picture:
        """Return the frame as a picture."""
        if self.text is not None:
            frame = self._scale(frame)
        if frame.format.name == "nv12":
            y, chroma = (_plane(frame, 0), _plane(frame, 1, samples=2))
            return Picture(y, chroma[:, 0::2].contiguous(), chroma[:, 1::2].contiguous(), pts)
        return Picture(_plane(frame, 0), _plane(frame, 1), _plane(frame, 2), pts)

    def _scale(self, frame: av.VideoFrame) -> av.VideoFrame:
        # Grey has one meaning here whatever its tag: the same numbers again.
        full = self.colour.full_range or self.source is Source.GREY
        out = ColorRange.JPEG if full else ColorRange.MPEG
        matrix = Colorspace.ITU709 if self.source is Source.RGB else None
        return frame.reformat(
            format="yuv420p",
            interpolation=_SCALING,
            src_color_range=out,
            dst_color_range=out,
            dst_colorspace=matrix,
        )


def plan(frame: av.VideoFrame, fallback: Colour, allowed: bool) -> Conversion:
    """Return how to make pictures of frames like this one.

    ``fallback`` is what the container says where the frame says nothing. Raises VideoError if something
    would change and that is not ``allowed``.
    """
    name = frame.format.name
    source = _source(frame.format)
    changes = []
    if name not in UNTOUCHED:
        changes.append(f"{name} to 8-bit 4:2:0: {source.value}{_without_alpha(frame.format)}")
    if frame.interlaced_frame:
        changes.append("interlaced frames kept whole, both fields in one picture")
    if changes and not allowed:
        raise VideoError(_refusal(name, bool(frame.interlaced_frame)))
    return Conversion(name, source, _colour(frame, source, fallback), "; ".join(changes) or None)


def _refusal(name: str, interlaced: bool) -> str:
    if name in UNTOUCHED:
        return (
            "The video is interlaced; deinterlace it first, for example with ffmpeg -vf bwdif, or pass "
            "convert=True (--convert) to code its frames as they are"
        )
    found = f"{name}, interlaced" if interlaced else name
    return (
        f"The pixel format is {found}; only 8-bit 4:2:0 (yuv420p) is coded as it is. Pass convert=True "
        "(--convert) to have it converted, or convert it yourself, for example with ffmpeg -pix_fmt yuv420p"
    )


def _source(pixels: av.VideoFormat) -> Source:
    if pixels.is_rgb or pixels.has_palette or pixels.is_bayer:
        return Source.RGB
    return Source.YUV if any(part.is_chroma for part in pixels.components) else Source.GREY


def _without_alpha(pixels: av.VideoFormat) -> str:
    return ", transparency dropped" if any(part.is_alpha for part in pixels.components) else ""


def _colour(frame: av.VideoFrame, source: Source, fallback: Colour) -> Colour:
    primaries = _first(frame.color_primaries, fallback.primaries)
    transfer = _first(frame.color_trc, fallback.transfer)
    if source is Source.RGB:
        return Colour(True, BT709, _first(primaries, BT709), _first(transfer, SRGB))
    tagged = int(frame.color_range)
    full = tagged == ColorRange.JPEG or (tagged != ColorRange.MPEG and fallback.full_range)
    if frame.format.name.startswith("yuvj") or (source is Source.GREY and tagged != ColorRange.MPEG):
        full = True
    return Colour(full, _first(frame.colorspace, fallback.matrix), primaries, transfer)


def _first(value: int, otherwise: int) -> int:
    """Return the code point, or the other one if it is unspecified or outside H.273."""
    return otherwise if value == UNSPECIFIED or not 0 <= value <= 255 else int(value)


def _plane(frame: av.VideoFrame, index: int, samples: int = 1) -> Tensor:
    """Return a copy of a plane without the padding at the end of its rows."""
    plane = frame.planes[index]
    return torch.from_numpy(_rows(plane)[: plane.height, : plane.width * samples].copy())


def fill_plane(frame: av.VideoFrame, index: int, values: Tensor) -> None:
    """Copy ``values`` [rows, columns] into a plane."""
    plane = frame.planes[index]
    _rows(plane)[: plane.height, : plane.width] = values.cpu().numpy()


def _rows(plane: VideoPlane) -> np.ndarray:
    # PyAV's types do not tell that a plane is a buffer.
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # pyright: ignore[reportCallIssue, reportArgumentType]
