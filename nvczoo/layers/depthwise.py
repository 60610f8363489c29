"""Depth-wise blocks: a cheap 3x3 between two 1x1 convolutions, then a feed-forward part on each pixel.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023, section 3.4.
"""

from torch import Tensor, nn

from nvczoo.layers.elementwise import Plus, Times
from nvczoo.layers.strips import in_strips

MOST_HIDDEN = 1024  # a feed-forward part widens four times up to here, and at least twice


class DepthwiseConv(nn.Module):
    """x + 1x1(depth-wise 3x3(act(1x1(x)))); the identity is a 1x1 convolution where widths differ.

    With ``stride`` 2 the first convolution takes every other pixel, and the identity is a 2x2 convolution.
    """

    def __init__(self, channels_in: int, channels_out: int, slope: float = 0.01, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.act = nn.LeakyReLU(slope, inplace=True)
        self.add = Plus("first")
        self.conv1 = nn.Conv2d(channels_in, channels_in, 1)
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in)
        self.conv2 = nn.Conv2d(channels_in, channels_out, 1)
        same = channels_in == channels_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, stride, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, H, W] for [B, channels_in, H, W], or half the size."""
        return in_strips(self._mix, x, halo=1) if self.stride == 1 else self._mix(x)

    def _mix(self, x: Tensor) -> Tensor:
        every = x if self.stride == 1 else x[:, :, :: self.stride, :: self.stride]
        inner = self.depthwise(self.act(self.conv1(every)))
        return self.add(self.conv2(inner), self.shortcut(x))


class FeedForward(nn.Module):
    """x + act(1x1(act(1x1(x)))): an activation before the addition too."""

    def __init__(self, channels: int, slope: float = 0.1) -> None:
        super().__init__()
        hidden = max(min(4 * channels, MOST_HIDDEN), 2 * channels)
        self.conv1 = nn.Conv2d(channels, hidden, 1)
        self.conv2 = nn.Conv2d(hidden, channels, 1)
        self.acts = nn.ModuleList(nn.LeakyReLU(slope, inplace=True) for _ in range(2))
        self.add = Plus()

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        return in_strips(self._widen, x)

    def _widen(self, x: Tensor) -> Tensor:
        inner = self.acts[0](self.conv1(x))
        return self.add(x, self.acts[1](self.conv2(inner)))


class GatedFeedForward(nn.Module):
    """x + 1x1(u * act(v)), u and v the halves of a widening 1x1 convolution."""

    def __init__(self, channels: int, slope: float = 0.1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4 * channels, 1)
        self.conv2 = nn.Conv2d(2 * channels, channels, 1)
        self.act = nn.LeakyReLU(slope)
        self.weigh = Times()
        self.add = Plus("first")

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        return in_strips(self._widen, x)

    def _widen(self, x: Tensor) -> Tensor:
        kept, gate = self.conv1(x).chunk(2, dim=1)
        return self.add(self.conv2(self.weigh(self.act(gate), kept)), x)


def depthwise_block(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """Return a depth-wise part, which may halve the size, and a feed-forward part."""
    return nn.Sequential(DepthwiseConv(channels_in, channels_out, stride=stride), FeedForward(channels_out))


def gated_block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a depth-wise part and a gated feed-forward part."""
    return nn.Sequential(DepthwiseConv(channels_in, channels_out), GatedFeedForward(channels_out))
