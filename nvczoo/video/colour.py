"""Y'CbCr and RGB: one matrix, in integers for pictures and in floats for codecs that see RGB."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.errors import ShapeError
from nvczoo.interfaces import Layout

Planes = tuple[Tensor, Tensor, Tensor]  # Y [..., H, W], U and V [..., ceil(H/2), ceil(W/2)], uint8

CHROMA_ZERO = 128
FIXED_BITS = 16  # coefficients are multiples of 2**-16: sums of 8-bit samples stay below 2**27
HALF = 1 << (FIXED_BITS - 1)


@dataclass(frozen=True)
class ColourMatrix:
    """How R'G'B' became 8-bit Y'CbCr (ITU-R BT.709 and BT.601, section 3; H.273 for the names)."""

    red: float  # the weight of R' in Y', Kr
    blue: float  # the weight of B' in Y', Kb
    full_range: bool  # Y' 0..255 and chroma 128 ± 127.5, else Y' 16..235 and chroma 128 ± 112

    @property
    def green(self) -> float:
        """The weight of G' in Y'."""
        return 1 - self.red - self.blue

    @property
    def black(self) -> int:
        """The code of black in Y'."""
        return 0 if self.full_range else 16

    @property
    def luma_steps(self) -> int:
        """Codes from black to white."""
        return 255 if self.full_range else 219

    @property
    def chroma_steps(self) -> int:
        """Codes from the one end of Cb or Cr to the other."""
        return 255 if self.full_range else 224


BT709_FULL = ColourMatrix(0.2126, 0.0722, full_range=True)
BT709_LIMITED = ColourMatrix(0.2126, 0.0722, full_range=False)


def planes_from_rgb(rgb: Tensor, matrix: ColourMatrix = BT709_FULL) -> Planes:
    """Return 4:2:0 planes of uint8 pictures [..., 3, H, W]: chroma is of the mean of each 2x2 block.

    Integer arithmetic, hence the same on every machine; an odd last row or column counts twice.
    """
    if rgb.dtype != torch.uint8 or rgb.ndim < 3 or rgb.shape[-3] != 3:
        raise ShapeError(f"an RGB picture is uint8 [..., 3, H, W], not {rgb.dtype} {list(rgb.shape)}")
    scale = matrix.luma_steps / 255 * (1 << FIXED_BITS)
    weights = (round(matrix.red * scale), round(matrix.blue * scale))
    red, green, blue = rgb.int().unbind(-3)
    luma = weights[0] * red + (round(scale) - sum(weights)) * green + weights[1] * blue
    y = ((luma + HALF) >> FIXED_BITS) + matrix.black

    sums = _block_sums(rgb)
    scale = matrix.chroma_steps / 255 * (1 << FIXED_BITS)
    u = _chroma(sums, own=2, weights=(matrix.red, matrix.green, matrix.blue), scale=scale)
    v = _chroma(sums, own=0, weights=(matrix.red, matrix.green, matrix.blue), scale=scale)
    return y.clamp(0, 255).byte(), u, v


def _block_sums(rgb: Tensor) -> Tensor:
    height, width = rgb.shape[-2:]
    even = rgb.int().reshape(-1, 3, height, width)
    even = torch.cat((even, even[..., -1:]), -1) if width % 2 else even
    even = torch.cat((even, even[..., -1:, :]), -2) if height % 2 else even
    sums = even[..., ::2, ::2] + even[..., ::2, 1::2] + even[..., 1::2, ::2] + even[..., 1::2, 1::2]
    return sums.reshape(*rgb.shape[:-2], *sums.shape[-2:])


def _chroma(sums: Tensor, own: int, weights: tuple[float, float, float], scale: float) -> Tensor:
    """Return (colour - luma) scaled to half the chroma range, for sums of four samples."""
    span = 2 * (1 - weights[own])
    others = [round(-weight / span * scale) for weight in weights]
    others[own] = 0
    others[own] = -sum(others)  # grey gets exactly the code of zero
    red, green, blue = (weight * channel for weight, channel in zip(others, sums.unbind(-3), strict=True))
    rounded = (red + green + blue + 4 * HALF) >> (FIXED_BITS + 2)
    return (rounded + CHROMA_ZERO).clamp(0, 255).byte()


def rgb_from_planes(planes: Planes, matrix: ColourMatrix = BT709_FULL) -> Tensor:
    """Return uint8 RGB [..., 3, H, W]: each chroma sample serves its 2x2 block; integer arithmetic."""
    y, u, v = (plane.int() for plane in planes)
    height, width = y.shape[-2:]
    u, v = (doubled(plane)[..., :height, :width] - CHROMA_ZERO for plane in (u, v))
    unit = 255 / matrix.chroma_steps * (1 << FIXED_BITS)
    from_v, from_u = 2 * (1 - matrix.red) * unit, 2 * (1 - matrix.blue) * unit
    luma = round(255 / matrix.luma_steps * (1 << FIXED_BITS)) * (y - matrix.black) + HALF
    red = luma + round(from_v) * v
    blue = luma + round(from_u) * u
    green = (
        luma - round(from_v * matrix.red / matrix.green) * v - round(from_u * matrix.blue / matrix.green) * u
    )
    return (torch.stack((red, green, blue), -3) >> FIXED_BITS).clamp(0, 255).byte()


def doubled(plane: Tensor) -> Tensor:
    """Return [..., 2h, 2w]: every sample four times."""
    return plane.repeat_interleave(2, -2).repeat_interleave(2, -1)


def halved(plane: Tensor) -> Tensor:
    """Return [B, C, h/2, w/2]: the mean of each 2x2 block, which undoes ``doubled`` exactly."""
    return F.avg_pool2d(plane, 2)


def rgb_image(image: Tensor, matrix: ColourMatrix) -> Tensor:
    """Return R'G'B' 0..1 of Y'CbCr codes / 255, both [B, 3, H, W] in floats; out of gamut is clamped."""
    codes = image * 255
    y = (codes[:, 0] - matrix.black) / matrix.luma_steps
    u, v = ((codes[:, at] - CHROMA_ZERO) / matrix.chroma_steps for at in (1, 2))
    red, blue = y + 2 * (1 - matrix.red) * v, y + 2 * (1 - matrix.blue) * u
    green = (y - matrix.red * red - matrix.blue * blue) / matrix.green
    return torch.stack((red, green, blue), 1).clamp(0, 1)


def ycbcr_image(image: Tensor, matrix: ColourMatrix) -> Tensor:
    """Return Y'CbCr codes / 255 of R'G'B' 0..1: the inverse of ``rgb_image``."""
    red, green, blue = image.unbind(1)
    y = matrix.red * red + matrix.green * green + matrix.blue * blue
    u, v = (blue - y) / (2 * (1 - matrix.blue)), (red - y) / (2 * (1 - matrix.red))
    chroma = (plane * matrix.chroma_steps + CHROMA_ZERO for plane in (u, v))
    return torch.stack((y * matrix.luma_steps + matrix.black, *chroma), 1) / 255


def rgb_of_layout(image: Tensor, layout: Layout) -> Tensor:
    """Return R'G'B' [B, 3, H, W] of an image in a layout, by BT.709, full range."""
    if layout == "packed420":
        image = torch.cat((F.pixel_shuffle(image[:, :4], 2), doubled(image[:, 4:])), 1)
    return image if layout == "rgb" else rgb_image(image, BT709_FULL)


def in_layout(rgb: Tensor, layout: Layout) -> Tensor:
    """Return R'G'B' [B, 3, H, W] as an image in a layout, by BT.709, full range."""
    if layout == "rgb":
        return rgb
    image = ycbcr_image(rgb, BT709_FULL).clamp(0, 1)
    if layout == "packed420":
        image = torch.cat((F.pixel_unshuffle(image[:, :1], 2), halved(image[:, 1:])), 1)
    return image
