"""Blocks whose forward adds and activates by itself, on grids."""

from torch import Tensor, nn

from nvczoo.portable.activations import PortableLeakyReLU
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.grid import Grid
from nvczoo.portable.held import Held


class PortableResidualBlock(nn.Module):
    """settle(x + conv(act(conv(act(x))))): ``nvczoo.layers.ResidualBlock`` on grids."""

    def __init__(
        self, conv1: PortableConv2d, conv2: PortableConv2d, slope: float, source: Grid, target: Grid
    ) -> None:
        super().__init__()
        self.act1 = PortableLeakyReLU(slope, source)
        self.conv1 = conv1
        self.act2 = PortableLeakyReLU(slope, conv1.target)
        self.conv2 = conv2
        self.source, self.target = source, target

    @property
    def held(self) -> Held:
        """What its results hold."""
        return self.target.held

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        inner = self.conv2(self.act2(self.conv1(self.act1(x))))
        return self.target.settle(self.source.settle(x).double() + inner)
