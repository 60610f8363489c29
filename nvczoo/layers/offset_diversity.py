"""Offset diversity: every group of channels is fetched from two places near where the flow points.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023, section 3.2.
"""

from math import gcd

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.layers.conv import conv3
from nvczoo.layers.warp import warp

MOST_GROUPS = 16
OFFSETS = 2  # per group
REACH = 40.0  # pixels that an offset may lead away from the flow
SLOPE = 0.1


class OffsetDiversity(nn.Module):
    """Warps features by the flow plus learned offsets, weighs and merges what was found.

    The merging convolution sees pieces in the order offset, group, so that the two places of one group
    never meet in it: the first half of its outputs is from the first offsets. So it was published, and so
    each half is merged by itself, which keeps less in memory. ``channels`` must be even.
    """

    def __init__(self, channels: int, side_channels: int, hidden_channels: int = 64) -> None:
        super().__init__()
        self.groups = gcd(MOST_GROUPS, channels)
        pieces = self.groups * OFFSETS
        self.offsets = nn.Sequential(
            conv3(side_channels, hidden_channels, stride=2),
            nn.LeakyReLU(SLOPE),
            conv3(hidden_channels, hidden_channels),
            nn.LeakyReLU(SLOPE),
            conv3(hidden_channels, 3 * pieces, gain=0.1),  # (right, down) of each piece, then its weight
        )
        self.merge = nn.Conv2d(OFFSETS * channels, channels, 1, groups=self.groups)
        assert self.groups % OFFSETS == 0

    def forward(self, features: Tensor, side: Tensor, flow: Tensor) -> Tensor:
        """Return [B, C, H, W] for features [B, C, H, W], what tells the offsets, and flow [B, 2, H, W]."""
        found = self.offsets(side)
        assert self.merge.bias is not None
        *ways, weights = found.chunk(OFFSETS + 1, dim=1)
        told = zip(ways, weights.chunk(OFFSETS, dim=1), strict=True)
        halves = zip(self.merge.weight.chunk(OFFSETS), self.merge.bias.chunk(OFFSETS), strict=True)
        return torch.cat(
            [
                self._fetched(features, flow, way, weight, half)
                for (way, weight), half in zip(told, halves, strict=True)
            ],
            dim=1,
        )

    def _fetched(
        self, features: Tensor, flow: Tensor, way: Tensor, weight: Tensor, half: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return what one offset of every group leads to, weighed and merged: [B, C/2, H, W].

        ``way`` and ``weight`` are at half the size: at the whole, those of all offsets take much memory.
        """
        batch, channels, height, width = features.shape
        groups = self.groups
        away = (REACH * torch.tanh(_twice(way))).reshape(batch, groups, 2, height, width) + flow.unsqueeze(1)
        source = features.reshape(batch * groups, channels // groups, height, width)
        piece = warp(source, away.reshape(batch * groups, 2, height, width))
        del source, away
        piece = piece * torch.sigmoid(_twice(weight)).reshape(batch * groups, 1, height, width)
        return F.conv2d(piece.reshape(features.shape), *half, groups=groups // OFFSETS)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
