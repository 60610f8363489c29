"""Convolutions, halvings and doublings that every family is made of."""

from torch import Tensor, nn
from torch.nn import functional as F


def conv3(channels_in: int, channels_out: int, stride: int = 1, gain: float = 1.0) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size, or halves it with ``stride`` 2.

    Before training it keeps the variance of its input, times ``gain`` squared.
    """
    conv = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1)
    nn.init.normal_(conv.weight, std=gain / (9 * channels_in) ** 0.5)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv


def double(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a doubling of the size by convolution and pixel shuffle."""
    return nn.Sequential(conv3(channels_in, 4 * channels_out), nn.PixelShuffle(2))


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))): pre-activated, so that the identity path stays linear."""

    def __init__(self, channels: int, slope: float = 0.01) -> None:
        super().__init__()
        self.conv1 = conv3(channels, channels, gain=2**0.5)  # the activation halves the variance
        self.conv2 = conv3(channels, channels, gain=0.2)  # a block starts near the identity
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        inner = self.conv1(F.leaky_relu(x, self.slope))
        return self.conv2(F.leaky_relu(inner, self.slope, inplace=True)).add_(x)
