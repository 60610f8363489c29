"""What DCVC-FM has and DCVC-DC has not: blocks, and gains that are not stretched vectors.

Li, Li and Lu, "Neural video compression with feature modulation" (DCVC-FM), CVPR 2024.
"""

import torch
from torch import Tensor, nn

from nvczoo.interfaces import Q_MAX, RateSampler
from nvczoo.layers import conv3
from nvczoo.layers.depthwise import DepthwiseConv, GatedFeedForward
from nvczoo.layers.elementwise import Plus, Times
from nvczoo.layers.quality import RateFactors
from nvczoo.layers.strips import in_strips

SLOPE = 0.01
SLOPES = 0.1, 0.01  # of the two halves of a feed-forward part
ROWS = int(Q_MAX) + 1  # of what is learned for each quality index on its own


class TwoSlopeFeedForward(nn.Module):
    """x + 1x1(act(u) + act'(v)), u and v the halves of a widening 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4 * channels, 1)
        self.conv2 = nn.Conv2d(2 * channels, channels, 1)
        self.acts = nn.ModuleList(map(nn.LeakyReLU, SLOPES))
        self.join = Plus()
        self.add = Plus("first")

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        return in_strips(self._widen, x)

    def _widen(self, x: Tensor) -> Tensor:
        steep, flat = self.conv1(x).chunk(2, dim=1)
        inner = self.join(self.acts[0](steep), self.acts[1](flat))
        return self.add(self.conv2(inner), x)


class DepthwiseProduct(nn.Module):
    """x + 1x1(depth-wise 3x3(act(1x1(x))) * 1x1(x))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.conv2 = nn.Conv2d(channels, channels, 1)
        self.leave = nn.Conv2d(channels, channels, 1)
        self.act = nn.LeakyReLU(SLOPE, inplace=True)
        self.weigh = Times()
        self.add = Plus("first")

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        return in_strips(self._mix, x, halo=1)

    def _mix(self, x: Tensor) -> Tensor:
        inner = self.depthwise(self.act(self.conv1(x)))
        return self.add(self.leave(self.weigh(inner, self.conv2(x))), x)


class PatchDown(nn.Module):
    """Halves the size by a 2x2 convolution, u, and returns u + act(1x1(act(3x3(u))))."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.shrink = patch_half(channels_in, channels_out)
        self.conv1 = conv3(channels_out, channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 1)
        self.acts = nn.ModuleList(nn.LeakyReLU(SLOPE, inplace=True) for _ in range(2))
        self.add = Plus()

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, H/2, W/2] for [B, channels_in, H, W]."""
        shrunk = self.shrink(x)
        inner = self.acts[0](self.conv1(shrunk))
        return self.add(self.acts[1](self.conv2(inner)), shrunk)


class RateGain(RateFactors):
    """One factor for all channels, [B, 1, 1, 1], learned at the sampler's knots."""

    def __init__(self, rate_sampler: RateSampler, channels: int) -> None:
        super().__init__()
        del channels  # taken, so that it can stand in for a gain per channel
        self.scale = nn.Parameter(torch.ones(rate_sampler.anchors, 1, 1, 1))

    def forward(self, rate_sampler: RateSampler, q: Tensor) -> Tensor:
        """Return [B, 1, 1, 1] for ``q`` [B]."""
        return rate_sampler.interpolate(self.scale.flatten(1), q)


class RowGain(RateFactors):
    """A vector of factors learned for each whole ``q``; between two, on the line from one to the other."""

    def __init__(self, rate_sampler: RateSampler, channels: int) -> None:
        super().__init__()
        del rate_sampler  # every rate has a row
        self.scale = nn.Parameter(torch.ones(ROWS, channels, 1, 1))

    def forward(self, rate_sampler: RateSampler, q: Tensor) -> Tensor:
        """Return [B, C, 1, 1] for ``q`` [B]."""
        del rate_sampler
        low = q.floor().clamp(0, ROWS - 1).long()
        high = (low + 1).clamp_max(ROWS - 1)
        return torch.lerp(self.scale[low], self.scale[high], (q - low).view(-1, 1, 1, 1))


def patch_half(channels_in: int, channels_out: int | None = None) -> nn.Conv2d:
    """Return a halving of the size by a convolution of 2x2 patches."""
    return nn.Conv2d(channels_in, channels_out or channels_in, 2, stride=2)


def two_slope_block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a depth-wise part and a feed-forward part of two slopes."""
    return nn.Sequential(DepthwiseConv(channels_in, channels_out), TwoSlopeFeedForward(channels_out))


def same_width_block(channels: int) -> nn.Sequential:
    """Return a block of two slopes that keeps the width."""
    return two_slope_block(channels, channels)


def product_block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a depth-wise part with a product, and a gated feed-forward part; the widths are the same."""
    assert channels_in == channels_out
    return nn.Sequential(DepthwiseProduct(channels_in), GatedFeedForward(channels_in))
