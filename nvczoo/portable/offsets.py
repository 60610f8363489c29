"""Offset diversity on grids: places that a table of tanh tells, weights that a table of sigmoid tells."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.layers.offset_diversity import OFFSETS, REACH
from nvczoo.portable.activations import PortableTable
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.grid import Grid
from nvczoo.portable.module import PortableModule
from nvczoo.portable.warping import SUBPIXEL_BITS, PortableWarp

ASKED = Grid(12)  # of tanh and sigmoid: beyond +-8 they are flat
AWAY = Grid(16, 18)  # of tanh: 40 times its 17 bits are exact in float32
WEIGHT = Grid(15, 17)  # of sigmoid, 1 among them
SHIFT = Grid(SUBPIXEL_BITS, 23)  # of flows and offsets, in pixels: the sum of two has 24 bits


class PortableOffsets(PortableModule):
    """``nvczoo.layers.offset_diversity.OffsetDiversity`` on grids.

    What is fetched stays on the grid of the features, and so does its product with a weight of at most 1:
    16 + 17 bits in float64, one rounding.
    """

    def __init__(
        self, offsets: nn.Sequential, merge: PortableConv2d, groups: int, source: Grid, target: Grid
    ) -> None:
        super().__init__(source, target)
        self.offsets, self.merge, self.groups = offsets, merge, groups
        self.away = PortableTable("tanh", ASKED, AWAY)
        self.weigh = PortableTable("sigmoid", ASKED, WEIGHT)
        self.move = PortableWarp(source)

    def forward(self, features: Tensor, side: Tensor, flow: Tensor) -> Tensor:
        """Return [B, C, H, W] for features [B, C, H, W], what tells the offsets, and flow [B, 2, H, W]."""
        *ways, weights = self.offsets(side).chunk(OFFSETS + 1, dim=1)
        flow = SHIFT.settle(flow)
        told = zip(ways, weights.chunk(OFFSETS, dim=1), strict=True)
        return self.merge(torch.cat([self._fetched(features, flow, *one) for one in told], dim=1))

    def _fetched(self, features: Tensor, flow: Tensor, way: Tensor, weight: Tensor) -> Tensor:
        """Return what one offset of every group leads to, weighed: [B, C, H, W]."""
        batch, channels, height, width = features.shape
        away = SHIFT.settle(REACH * self.away(_twice(way)))
        places = away.reshape(batch, self.groups, 2, height, width) + flow.unsqueeze(1)
        pieces = features.reshape(batch * self.groups, channels // self.groups, height, width)
        moved = self.move(pieces, places.reshape(batch * self.groups, 2, height, width))
        by = self.weigh(_twice(weight)).reshape(batch * self.groups, 1, height, width)
        return self.source.settle(moved.double() * by).reshape(features.shape)


def _twice(x: Tensor) -> Tensor:
    """Return the doubled planes: weights of sixteenths, so 16 + 4 bits, exact in float32."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
