"""What DCVC-HEM's networks are made of: residual and gated blocks, analysis and synthesis.

Li, Li and Lu, "Hybrid spatial-temporal entropy modelling for neural video compression" (DCVC-HEM),
ACM Multimedia 2022.
"""

from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.layers import ResidualBlock, conv3
from nvczoo.layers.residual import INNER_SLOPE, ActivatedResidual, ResidualDown, ResidualUp, pointwise_double
from nvczoo.layers.strips import plus, times
from nvczoo.layers.unet import UNet

HALVINGS = 3  # with a way around them; a plain one follows
SQUEEZE = 16  # channels per hidden unit of a gate


class SqueezedBlock(nn.Module):
    """conv(act(conv(x))), each channel weighed by what the means of all say, + a 1x1 convolution of x."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        hidden = max(channels_out // SQUEEZE, 1)
        self.conv1 = conv3(channels_in, channels_out)
        self.conv2 = conv3(channels_out, channels_out)
        self.gate = nn.Sequential(
            nn.Linear(channels_out, hidden, bias=False),
            nn.ReLU(),
            nn.Linear(hidden, channels_out, bias=False),
            nn.Sigmoid(),
        )
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, H, W] for [B, channels_in, H, W]."""
        inner = self.conv2(F.leaky_relu(self.conv1(x), INNER_SLOPE, inplace=True))
        weights = self.gate(inner.mean(dim=(2, 3)))
        return plus(times(inner, weights[:, :, None, None]), self.shortcut(x))


def _rectified(channels_in: int, channels_out: int) -> ResidualBlock:
    """Return the block at the bottom of the U-Net, which keeps the width."""
    assert channels_in == channels_out
    return ResidualBlock(channels_in, slope=0.0)


squeezed_unet = partial(UNet, block=SqueezedBlock, refine=_rectified)


def analysis(channels_in: int, channels: int) -> nn.Sequential:
    """Return four halvings: [B, channels_in, H, W] -> [B, channels, H/16, W/16]."""
    widths = (channels_in, *(channels,) * (HALVINGS - 1))
    layers: list[nn.Module] = []
    for width in widths:
        layers += [ResidualDown(width, channels), ActivatedResidual(channels)]
    return nn.Sequential(*layers, conv3(channels, channels, stride=2))


def synthesis(channels: int, channels_out: int) -> nn.Sequential:
    """Return four doublings: [B, channels, H/16, W/16] -> [B, channels_out, H, W]."""
    layers: list[nn.Module] = []
    for _ in range(HALVINGS):
        layers += [ActivatedResidual(channels), ResidualUp(channels, channels)]
    return nn.Sequential(*layers, ActivatedResidual(channels), pointwise_double(channels, channels_out))
