"""Contexts at three scales: features of a reference, and the mending of them after they were moved.

Sheng et al., "Temporal context mining for learned video compression" (DCVC-TCM), IEEE TMM 2022.
"""

import torch
from torch import Tensor, nn

from nvczoo.interfaces import Pyramid
from nvczoo.layers.conv import ResidualBlock, conv3, double
from nvczoo.layers.elementwise import Plus
from nvczoo.layers.strips import one_by_one


class FeatureExtractor(nn.Module):
    """[B, channels_in, H, W] -> features at 1, 1/2 and 1/4."""

    def __init__(self, channels_in: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        widths = (channels_in, *channels)
        self.convs = nn.ModuleList(
            conv3(widths[scale], width, stride=2 if scale else 1) for scale, width in enumerate(channels)
        )
        self.blocks = nn.ModuleList(ResidualBlock(width) for width in channels)

    def forward(self, x: Tensor) -> Pyramid:
        """Return one map per scale, finest first."""
        found = []
        for conv, block in zip(self.convs, self.blocks, strict=True):
            x = block(conv(x))
            found.append(x)
        return tuple(found)


class ContextFusion(nn.Module):
    """Mends moved features from coarse to fine: each scale is told what the coarser one holds."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.grow = nn.ModuleList(
            (
                nn.Sequential(double(2 * middle, fine), ResidualBlock(fine)),
                nn.Sequential(double(coarse, middle), ResidualBlock(middle)),
            )
        )
        self.mend = nn.ModuleList(
            nn.Sequential(conv3(known, width), ResidualBlock(width))
            for known, width in ((2 * fine, fine), (2 * middle, middle), (coarse, coarse))
        )
        self.add = nn.ModuleList((Plus("spare"), Plus(), Plus()))

    def forward(self, moved: Pyramid) -> Pyramid:
        """Return the contexts for three maps, finest first."""
        fine, middle, coarse = moved
        known_middle = torch.cat((self.grow[1](coarse), middle), dim=1)
        coarse = self.add[2](coarse, self.mend[2](coarse))
        middle = self.add[1](middle, self.mend[1](known_middle))
        known_fine = [torch.cat((self.grow[0](known_middle), fine), dim=1)]
        del known_middle  # the finest scale needs the most memory
        mend = self.mend[0]
        assert isinstance(mend, nn.Sequential)
        return self.add[0](one_by_one(mend, known_fine.pop()), fine), middle, coarse
