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
    never meet in it: the first half of its outputs is from the first offsets. So it was published.
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

    def forward(self, features: Tensor, side: Tensor, flow: Tensor) -> Tensor:
        """Return [B, C, H, W] for features [B, C, H, W], what tells the offsets, and flow [B, 2, H, W]."""
        batch, channels, height, width = features.shape
        groups = self.groups
        found = F.interpolate(self.offsets(side), scale_factor=2, mode="bilinear", align_corners=False)
        *ways, weights = found.chunk(OFFSETS + 1, dim=1)
        per_group = (batch * groups, channels // groups, height, width)
        source = features.reshape(per_group)
        pieces = []
        for way, weight in zip(ways, weights.chunk(OFFSETS, dim=1), strict=True):
            away = (REACH * torch.tanh(way)).reshape(batch, groups, 2, height, width) + flow.unsqueeze(1)
            piece = warp(source, away.reshape(batch * groups, 2, height, width))
            weight = torch.sigmoid(weight).reshape(batch * groups, 1, height, width)
            pieces.append((piece * weight).reshape(features.shape))
        return self.merge(torch.cat(pieces, dim=1))
