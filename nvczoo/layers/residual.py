"""Halvings, doublings and bottlenecks with a way around them, as the DCVC family has them."""

from collections.abc import Callable

from torch import Tensor, nn

from nvczoo.layers.conv import conv3
from nvczoo.layers.elementwise import Plus

INNER_SLOPE, OUTER_SLOPE = 0.01, 0.1  # of the leaky ReLU between the convolutions and behind them


def outer_activation(channels: int) -> nn.Module:
    """Return the leaky ReLU behind the convolutions."""
    del channels
    return nn.LeakyReLU(OUTER_SLOPE, inplace=True)


def pointwise_double(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a doubling of the size by 1x1 convolution and pixel shuffle."""
    return nn.Sequential(nn.Conv2d(channels_in, 4 * channels_out, 1), nn.PixelShuffle(2))


class ResidualDown(nn.Module):
    """Halves the size: finish(conv(act(conv(x)))) + a 1x1 convolution of every other pixel."""

    def __init__(
        self, channels_in: int, channels_out: int, finish: Callable[[int], nn.Module] = outer_activation
    ) -> None:
        super().__init__()
        self.finish = finish(channels_out)
        self.conv1 = conv3(channels_in, channels_out, stride=2)
        self.conv2 = conv3(channels_out, channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1)
        self.act = nn.LeakyReLU(INNER_SLOPE, inplace=True)
        self.add = Plus()

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, H/2, W/2] for [B, channels_in, H, W]."""
        inner = self.act(self.conv1(x))
        # Not a strided convolution: with three channels its gradient crashes torch 2.15 on the CPU.
        skipped = self.shortcut(x[:, :, ::2, ::2])
        return self.add(self.finish(self.conv2(inner)), skipped)


class ResidualUp(nn.Module):
    """Doubles the size: finish(conv(act(double(x)))) + another doubling of x."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        finish: Callable[[int], nn.Module] = outer_activation,
        enlarge: Callable[[int, int], nn.Module] = pointwise_double,
    ) -> None:
        super().__init__()
        self.finish = finish(channels_out)
        self.enlarge = enlarge(channels_in, channels_out)
        self.conv = conv3(channels_out, channels_out)
        self.shortcut = enlarge(channels_in, channels_out)
        self.act = nn.LeakyReLU(INNER_SLOPE, inplace=True)
        self.add = Plus()

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, 2H, 2W] for [B, channels_in, H, W]."""
        inner = self.act(self.enlarge(x))
        return self.add(self.finish(self.conv(inner)), self.shortcut(x))


class ActivatedResidual(nn.Module):
    """x + act(conv(act(conv(x)))): the second activation comes before the addition."""

    def __init__(self, channels: int, hidden: int | None = None, slope: float = INNER_SLOPE) -> None:
        super().__init__()
        self.conv1 = conv3(channels, hidden or channels)
        self.conv2 = conv3(hidden or channels, channels)
        self.acts = nn.ModuleList(nn.LeakyReLU(slope, inplace=True) for _ in range(2))
        self.add = Plus()

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        inner = self.acts[0](self.conv1(x))
        return self.add(self.acts[1](self.conv2(inner)), x)


class Bottleneck(nn.Module):
    """x + act(conv(act(conv(act(x))))), half as wide in the middle."""

    def __init__(self, channels: int, slope: float = OUTER_SLOPE) -> None:
        super().__init__()
        self.conv1 = conv3(channels, channels // 2)
        self.conv2 = conv3(channels // 2, channels)
        self.acts = nn.ModuleList(nn.LeakyReLU(slope, inplace=number > 0) for number in range(3))
        self.add = Plus()

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        inner = self.acts[1](self.conv1(self.acts[0](x)))
        return self.add(self.acts[2](self.conv2(inner)), x)
