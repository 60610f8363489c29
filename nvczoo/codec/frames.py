"""The border between pictures and codecs: layout, padding, cropping and rounding, once.

Pictures are planes of 8-bit Y'CbCr 4:2:0 codes; images are what a codec sees, 0..1, padded by
repeating the last row and column.
"""

from math import ceil, lcm

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.errors import ShapeError
from nvczoo.interfaces import Layout
from nvczoo.video.colour import (
    BT709_FULL,
    ColourMatrix,
    Planes,
    doubled,
    halved,
    rgb_image,
    ycbcr_image,
)

WHITE = 255


def chroma_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return (h, w) of the chroma planes of a picture (H, W): halves, rounded up."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def padded_size(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """Return the least (H, W) that holds ``size`` in even multiples of ``stride``."""
    unit = lcm(stride, 2)  # chroma needs whole samples
    return ceil(size[0] / unit) * unit, ceil(size[1] / unit) * unit


def image_from_planes(
    planes: Planes, layout: Layout, stride: int, matrix: ColourMatrix = BT709_FULL
) -> Tensor:
    """Return [B, C, h, w] float32 in 0..1, channels last in memory, of planes [H, W] or [B, H, W].

    ``matrix`` matters to the layout ``rgb`` only: the others hold the codes as they are, / 255.
    """
    height, width = _checked_size(planes)
    padded = padded_size((height, width), stride)
    y = _scaled(planes[0], padded)
    u, v = (_scaled(plane, chroma_size(padded)) for plane in planes[1:])
    if layout == "packed420":
        image = torch.cat((F.pixel_unshuffle(y, 2), u, v), 1)
    else:
        image = torch.cat((y, doubled(u), doubled(v)), 1)
        image = rgb_image(image, matrix) if layout == "rgb" else image
    return image.contiguous(memory_format=torch.channels_last)


def planes_from_image(
    image: Tensor, size: tuple[int, int], layout: Layout, matrix: ColourMatrix = BT709_FULL
) -> Planes:
    """Return uint8 planes [B, H, W] of an image [B, C, h, w]: cropped to ``size``, rounded half to even."""
    if layout == "packed420":
        y, u, v = F.pixel_shuffle(image[:, :4], 2), image[:, 4:5], image[:, 5:6]
    else:
        image = ycbcr_image(image, matrix) if layout == "rgb" else image
        y, u, v = image[:, :1], halved(image[:, 1:2]), halved(image[:, 2:3])
    small = chroma_size(size)
    return _rounded(y, size), _rounded(u, small), _rounded(v, small)


def _checked_size(planes: Planes) -> tuple[int, int]:
    y, *chroma = planes
    if y.ndim not in (2, 3) or y.numel() == 0 or any(plane.dtype != torch.uint8 for plane in planes):
        raise ShapeError(f"a plane is uint8 [H, W] or [B, H, W] and not empty, not {y.dtype} {list(y.shape)}")
    size = (y.shape[-2], y.shape[-1])
    expected = (*y.shape[:-2], *chroma_size(size))
    if any(tuple(plane.shape) != expected for plane in chroma):
        shapes = " and ".join(str(list(plane.shape)) for plane in chroma)
        raise ShapeError(f"4:2:0 chroma of luma {list(y.shape)} is {list(expected)}, not {shapes}")
    return size


def _scaled(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """Return [B, 1, H, W] in 0..1, the last row and column repeated up to ``size``."""
    rows, columns = (
        torch.arange(new, device=plane.device).clamp(max=old - 1)
        for new, old in zip(size, plane.shape[-2:], strict=True)
    )
    padded = plane.index_select(-2, rows).index_select(-1, columns)
    return padded.reshape(-1, 1, *size).float() / WHITE


def _rounded(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """Return uint8 [B, *size] of [B, 1, H, W] in 0..1."""
    return (plane[:, 0, : size[0], : size[1]].float() * WHITE).round().clamp(0, WHITE).byte()
