"""Prediction from displaced blocks that overlap.

Orchard and Sullivan, "Overlapped block motion compensation", IEEE Transactions on Image Processing 1994.
Each place is predicted by the displacements of the four nearest blocks, the nearer the more.
"""

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import Layout
from nvczoo.layers import LAYOUTS, Warp

BLOCK = 8  # luma samples between two displacements
STEPS = 8  # weights are odd multiples of half of one of these, so that sums of products are exact
Shift = tuple[int, int]  # rows and columns to the next block


class OverlappedWarp(nn.Module):
    """Moves pictures in a layout by a field of displacements [B, 2, h, w], one for each block of luma."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.grid = LAYOUTS[layout]
        self.side = BLOCK // self.grid.spacing  # of a block, on the layout's grid
        self.luma = Warp("bicubic")
        self.chroma = Warp("bicubic") if layout == "packed420" else None

    def forward(self, image: Tensor, field: Tensor) -> Tensor:
        """Return the image [B, C, H, W] moved by ``field``, in luma samples (right, down)."""
        planes = F.pixel_shuffle(image[:, :4], 2) if self.chroma is not None else image
        moved = None
        for shift, weight in _weights(self.side, image).items():
            near = _tiled(field, self.side, shift)
            one = self._moved(planes, image, near) * weight
            moved = one if moved is None else moved + one
        assert moved is not None
        return moved

    def flow(self, field: Tensor) -> Tensor:
        """Return [B, 2, H, W]: each block's displacement at all its places, in pixels of the layout's grid."""
        return _enlarged(field, self.side) / self.grid.spacing

    def _moved(self, planes: Tensor, image: Tensor, near: Tensor) -> Tensor:
        if self.chroma is None:
            return self.luma(planes, near)
        luma = F.pixel_unshuffle(self.luma(planes, _enlarged(near, 2)), 2)
        return torch.cat((luma, self.chroma(image[:, 4:], near / 2)), 1)


def _enlarged(field: Tensor, factor: int) -> Tensor:
    """Return every element ``factor`` times to the right and down."""
    batch, channels, height, width = field.shape
    large = field[:, :, :, None, :, None].expand(-1, -1, -1, factor, -1, factor)
    return large.reshape(batch, channels, height * factor, width * factor)


def _tiled(field: Tensor, side: int, shift: Shift) -> Tensor:
    """Return [B, 2, H, W]: at each place the displacement of the block above (0) or below (1), and so on."""
    field = torch.cat((field[:, :, :1], field, field[:, :, -1:]), 2)
    field = torch.cat((field[..., :1], field, field[..., -1:]), 3)
    height, width = (side * (size - 2) for size in field.shape[2:])
    down, right = (side // 2 + side * one for one in shift)
    return _enlarged(field, side)[:, :, down : down + height, right : right + width]


def _weights(side: int, like: Tensor) -> dict[Shift, Tensor]:
    """Return, for each of the four nearest blocks, its weight [1, 1, H, W]; they add up to one."""
    place = (torch.arange(side, device=like.device) + 0.5) / side + 0.5  # 0.5 to 1.5, one in the middle
    later = ((place - place.floor()) * STEPS).floor().add(0.5) / STEPS
    height, width = (size // side for size in like.shape[-2:])
    along = later, 1 - later
    return {
        (down, right): (
            along[1 - down].repeat(height)[:, None] * along[1 - right].repeat(width)
        ).view(1, 1, height * side, width * side)
        for down, right in product((0, 1), repeat=2)
    }
