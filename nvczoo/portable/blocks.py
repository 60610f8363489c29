"""Blocks whose forward adds and activates by itself, on grids."""

import torch
from torch import Tensor

from nvczoo.portable.activations import PortableLeakyReLU
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.grid import EXACT, Grid
from nvczoo.portable.module import PortableModule


class PortableResidualBlock(PortableModule):
    """settle(x + conv(act(conv(act(x))))): ``nvczoo.layers.ResidualBlock`` on grids."""

    def __init__(
        self, conv1: PortableConv2d, conv2: PortableConv2d, slope: float, source: Grid, target: Grid
    ) -> None:
        super().__init__(source, target)
        self.act1 = PortableLeakyReLU(slope, source, conv1.source)
        self.conv1 = conv1
        self.act2 = PortableLeakyReLU(slope, conv1.target, conv2.source)
        self.conv2 = conv2
        exact = (source.held + conv2.held).most <= EXACT[torch.float32]
        self.dtype = torch.float32 if exact else torch.float64  # of the sum

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        kept = self.source.settle(x)
        inner = self.conv1.units(self.act1.units(kept)).mul_(self.conv1.target.step)
        inner = self.conv2.units(self.act2.units(inner)).to(self.dtype)
        return self.target.settle(torch.add(kept, inner, alpha=self.conv2.target.step))
