"""What EVC's transforms are made of, at any of its sizes.

Wang, Li, Li and Lu, "EVC: towards real-time neural image compression with mask decay", ICLR 2023.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from nvczoo.layers import conv3
from nvczoo.layers.depthwise import DepthwiseConv, FeedForward
from nvczoo.layers.elementwise import Plus
from nvczoo.layers.residual import ResidualDown, ResidualUp, pointwise_double


class ActivatedDepthwise(DepthwiseConv):
    """x + act(1x1(act(depth-wise 3x3(act(1x1(x)))))): an activation behind each convolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out)
        self.acts = nn.ModuleList(nn.LeakyReLU(inplace=True) for _ in range(2))  # behind the first's
        self.add = Plus()

    def _mix(self, x: Tensor) -> Tensor:
        inner = self.acts[0](self.depthwise(self.act(self.conv1(x))))
        return self.add(self.acts[1](self.conv2(inner)), self.shortcut(x))


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
