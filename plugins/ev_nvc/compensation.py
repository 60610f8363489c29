"""Prediction from displaced blocks of the last frame."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import Layout
from nvczoo.layers import LAYOUTS, BlockFetch, OnGrid, uncompiled

BLOCK = 8  # luma samples between two displacements
PRECISION = 8  # steps of a displacement to a luma sample


class OverlappedWarp(nn.Module):
    """Moves pictures in a layout by a field of displacements [B, 2, h, w], one for each block of luma."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.grid = LAYOUTS[layout]
        self.side = BLOCK // self.grid.spacing  # of a block, on the layout's grid
        self.luma = BlockFetch(BLOCK, PRECISION)
        self.chroma = BlockFetch(self.side, 2 * PRECISION) if layout == "packed420" else None
        self.settle = OnGrid()

    @uncompiled  # indexes into memory, which a compiler takes apart for a minute
    def forward(self, image: Tensor, field: Tensor) -> Tensor:
        """Return the image [B, C, H, W] moved by ``field``, in luma samples (right, down)."""
        if self.chroma is None:
            return self.settle(self.luma(image, field))
        luma = self.luma(F.pixel_shuffle(image[:, :4], 2), field)
        chroma = self.chroma(image[:, 4:], field / 2)
        return self.settle(torch.cat((F.pixel_unshuffle(luma, 2), chroma), 1))

    def flow(self, field: Tensor) -> Tensor:
        """Return [B, 2, H, W]: each block's displacement at all its places, in pixels of the grid."""
        batch, channels, height, width = field.shape
        large = field[:, :, :, None, :, None].expand(-1, -1, -1, self.side, -1, self.side)
        return large.reshape(batch, channels, height * self.side, width * self.side) / self.grid.spacing
