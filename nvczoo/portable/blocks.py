"""Blocks whose forward adds and activates by itself, on grids."""

import torch
from torch import Tensor

from nvczoo.errors import SettingError
from nvczoo.portable.activations import PortableLeakyReLU
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.grid import EXACT, Grid
from nvczoo.portable.module import PortableModule


class PortableResidualBlock(PortableModule):
    """settle(x + conv(act(conv(act(x))))): ``nvczoo.layers.ResidualBlock`` on grids.

    Inside, numbers are carried on in units: each layer goes on from the grid that the last one ends on.
    """

    def __init__(
        self, conv1: PortableConv2d, conv2: PortableConv2d, slope: float, source: Grid, target: Grid
    ) -> None:
        super().__init__(source, target)
        if (conv1.source, conv2.source) != (source, conv1.target):
            raise SettingError("The layers of a residual block have to go on from each other's grids")
        self.act1 = PortableLeakyReLU(slope, source)
        self.conv1 = conv1
        self.act2 = PortableLeakyReLU(slope, conv1.target)
        self.conv2 = conv2
        exact = (source.held + conv2.held).most <= EXACT[torch.float32]
        self.dtype = torch.float32 if exact else torch.float64  # of the sum

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        kept = self.source.units(x)
        inner = self.conv1.units(self.act1.units(kept))
        inner = self.conv2.units(self.act2.units(inner)).to(self.dtype)
        return self.target.settle(torch.add(inner.mul_(self.conv2.target.step), kept, alpha=self.source.step))
