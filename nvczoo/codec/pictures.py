"""From what a codec leaves behind to the pictures a user sees, the same way on both sides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nvczoo.codec.frames import planes_from_image
from nvczoo.codec.packet import crc32c
from nvczoo.errors import SettingError
from nvczoo.interfaces import InterCodec, Layout, Reference
from nvczoo.video.colour import BT709_FULL, ColourMatrix, Planes
from nvczoo.video.picture import UNSPECIFIED, Colour, VideoInfo

# Kr and Kb by H.273 code point of the matrix. Unspecified is taken for BT.709, as most video is.
WEIGHTS = {
    1: (BT709_FULL.red, BT709_FULL.blue),
    UNSPECIFIED: (BT709_FULL.red, BT709_FULL.blue),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}


def matrix_of(colour: Colour) -> ColourMatrix:
    """Return the matrix a colour description names; raises SettingError if it is none of Y'CbCr."""
    if colour.matrix not in WEIGHTS:
        raise SettingError(
            f"The pictures have the colour matrix {colour.matrix} (H.273), which is not known; "
            f"known are {', '.join(str(code) for code in WEIGHTS)}: convert the video to one of them"
        )
    return ColourMatrix(*WEIGHTS[colour.matrix], colour.full_range)


def planes_of(reference: Reference, count: int, info: VideoInfo, layout: Layout) -> list[Planes]:
    """Return the planes of each of the ``count`` frames that a step decoded, on the CPU."""
    frame = reference.frame.detach().float()  # conversion of colours needs more than bfloat16's eight bits
    images = frame if frame.ndim == 4 else frame[0]  # [1, C, h, w], or a chunk [1, T, C, h, w]
    size = (info.height, info.width)
    y, u, v = planes_from_image(images[:count], size, layout, matrix_for(layout, info.colour))
    return list(zip(y.cpu(), u.cpu(), v.cpu(), strict=True))


def base_planes_of(reference: Reference, count: int, info: VideoInfo, codec: InterCodec) -> list[Planes]:
    """Return the same of the base layer alone, at its size; the frame may have all layers, or be intra."""
    height, width = codec.base_size((info.height, info.width))
    base = Reference(codec.base_image(reference))
    return planes_of(base, count, replace(info, width=width, height=height), codec.layout)


def picture_checksum(pictures: Iterable[Planes]) -> int:
    """Return the CRC-32C over the samples: picture by picture, Y, U, V, row by row."""
    checksum = 0
    for planes in pictures:
        for plane in planes:
            checksum = crc32c(plane.contiguous().numpy().data.cast("B"), checksum)
    return checksum


def matrix_for(layout: Layout, colour: Colour) -> ColourMatrix:
    """Return the matrix a layout needs; only ``rgb`` minds which."""
    return matrix_of(colour) if layout == "rgb" else BT709_FULL
