"""Blocks whose forward adds and activates by itself, on grids."""

import torch
from torch import Tensor

from nvczoo.portable import kernels
from nvczoo.portable.activations import PortableLeakyReLU
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.followed import FollowedModule
from nvczoo.portable.grid import EXACT, Grid
from nvczoo.portable.kernels import WHOLE, rounding


class PortableResidualBlock(FollowedModule):
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

    def exact(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        if self.quick and self.conv1.quick and self.conv2.quick and kernels.apply(x):
            return self._in_passes(x)
        kept = self.source.settle(x)
        inner = self.conv1.units(self.act1.units(kept)).mul_(self.conv1.target.step)
        inner = self.conv2.units(self.act2.units(inner)).to(self.dtype)
        return self.target.settle(torch.add(kept, inner, alpha=self.conv2.target.step))

    def smooth(self, x: Tensor) -> Tensor:
        """Return the block by floats."""
        inner = self.conv1.smooth(self.act1.smooth(x))
        return x + self.conv2.smooth(self.act2.smooth(inner))

    def _in_passes(self, x: Tensor) -> Tensor:
        """Return the same: one pass over memory before each convolution, and one at the end."""
        kept = rounding(self.source, self.source.step)
        if x.dtype == torch.float64:  # what was multiplied by a factor that follows q
            x = kernels.settled(x, [kept])
        parts = kernels.settled(x, [kept, self.act1.rounding(WHOLE)], self.conv1.cut)
        between = [self.conv1.rounded, self.act2.rounding(WHOLE)]
        parts = self.conv1.finished(parts, between, self.conv2.cut)
        settled = rounding(self.target, self.target.step)
        return self.conv2.finished(parts, [self.conv2.rounded, settled], added=(x, kept))
