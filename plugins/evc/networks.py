"""What EVC's transforms are made of, at any of its sizes.

Wang, Li, Li and Lu, "EVC: towards real-time neural image compression with mask decay", ICLR 2023.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.layers import conv3
from nvczoo.layers.depthwise import DepthwiseConv, FeedForward
from nvczoo.layers.residual import ResidualDown, ResidualUp, pointwise_double


class ActivatedDepthwise(DepthwiseConv):
    """x + act(1x1(act(depth-wise 3x3(act(1x1(x)))))): an activation behind each convolution."""

    def _mix(self, x: Tensor) -> Tensor:
        inner = F.leaky_relu(self.conv1(x), self.slope, inplace=True)
        inner = F.leaky_relu(self.depthwise(inner), self.slope, inplace=True)
        return F.leaky_relu(self.conv2(inner), self.slope, inplace=True) + self.shortcut(x)


def transform_block(channels: int) -> nn.Sequential:
    """Return a depth-wise part with three activations and a feed-forward part that is rectified."""
    return nn.Sequential(ActivatedDepthwise(channels, channels), FeedForward(channels, slope=0.0))


def analysis(channels_in: int, widths: Sequence[int]) -> nn.Sequential:
    """Return four halvings to ``widths``: [B, channels_in, H, W] -> [B, widths[-1], H/16, W/16]."""
    *inner, latent_channels = widths
    layers: list[nn.Module] = []
    for width in inner:
        layers += [ResidualDown(channels_in, width), transform_block(width)]
        channels_in = width
    return nn.Sequential(*layers, conv3(channels_in, latent_channels, stride=2))


def synthesis(widths: Sequence[int], channels_out: int) -> nn.Sequential:
    """Return four doublings, ``widths`` from fine to coarse: [B, widths[-1], h, w] -> [B, ., 16h, 16w]."""
    *inner, width = widths
    layers: list[nn.Module] = [transform_block(width)]
    for finer in reversed(inner):
        layers += [ResidualUp(width, finer), transform_block(finer)]
        width = finer
    return nn.Sequential(*layers, pointwise_double(width, channels_out))
