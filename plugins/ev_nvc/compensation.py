"""Prediction from displaced blocks that overlap.

Orchard and Sullivan, "Overlapped block motion compensation", IEEE Transactions on Image Processing 1994.
Each place is predicted by the displacements of the four nearest blocks, the nearer the more.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import Layout
from nvczoo.layers import LAYOUTS, OnGrid, Warp, uncompiled, with_border

BLOCK = 8  # luma samples between two displacements
STEPS = 4  # weights are in the middle of so many, so that sums of products have few bits
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1))  # rows and columns to the four nearest blocks, from upper left


class OverlappedWarp(nn.Module):
    """Moves pictures in a layout by a field of displacements [B, 2, h, w], one for each block of luma."""

    weights: Tensor  # [4, 1, side, side]: of the four nearest blocks

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.grid = LAYOUTS[layout]
        self.side = BLOCK // self.grid.spacing  # of a block, on the layout's grid
        self.luma = Warp("bicubic")
        self.chroma = Warp("bicubic") if layout == "packed420" else None
        self.settle = OnGrid()
        self.register_buffer("weights", _weights(self.side), persistent=False)

    @uncompiled  # bicubic sampling, eight times over: a minute to compile
    def forward(self, image: Tensor, field: Tensor) -> Tensor:
        """Return the image [B, C, H, W] moved by ``field``, in luma samples (right, down)."""
        planes = F.pixel_shuffle(image[:, :4], 2) if self.chroma is not None else image
        blocks = field.shape[-2:]
        moved = [
            self._moved(planes, image, _nearest(field, self.side, shift)) * weight.repeat(1, *blocks)
            for shift, weight in zip(SHIFTS, self.weights, strict=True)
        ]
        return self.settle(moved[0] + moved[1] + moved[2] + moved[3])

    def flow(self, field: Tensor) -> Tensor:
        """Return [B, 2, H, W]: each block's displacement at all its places, in pixels of the grid."""
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


def _nearest(field: Tensor, side: int, shift: tuple[int, int]) -> Tensor:
    """Return [B, 2, H, W]: at each place the displacement of one of the four nearest blocks."""
    height, width = (side * size for size in field.shape[2:])
    down, right = (side // 2 + side * one for one in shift)
    return _enlarged(with_border(field), side)[:, :, down : down + height, right : right + width]


def _weights(side: int) -> Tensor:
    """Return [4, 1, side, side]: what the four nearest blocks count at each place of a block, one in sum."""
    place = (
        torch.arange(side) + 0.5
    ) / side + 0.5  # 0.5 to 1.5; in the middle the next block begins to count
    later = ((place - place.floor()) * STEPS).floor().add(0.5) / STEPS
    along = 1 - later, later
    return torch.stack([along[down][:, None] * along[right] for down, right in SHIFTS])[:, None]
