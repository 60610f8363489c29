"""Convolutions, halvings and doublings that every family is made of."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1, gain: float = 1.0) -> nn.Conv2d:
    """Return a convolution that keeps the size, or halves it with ``stride`` 2.

    Before training it keeps the variance of its input, times ``gain`` squared.
    """
    made = nn.Conv2d(channels_in, channels_out, kernel, stride=stride, padding=kernel // 2)
    nn.init.normal_(made.weight, std=gain / (kernel**2 * channels_in) ** 0.5)
    assert made.bias is not None
    nn.init.zeros_(made.bias)
    return made


def conv3(channels_in: int, channels_out: int, stride: int = 1, gain: float = 1.0) -> nn.Conv2d:
    """Return a 3x3 convolution; see ``conv``."""
    return conv(channels_in, channels_out, 3, stride, gain)


def deconv(channels_in: int, channels_out: int, kernel: int, stride: int = 2) -> nn.ConvTranspose2d:
    """Return a transposed convolution that multiplies the size by ``stride``; before training as ``conv``."""
    padding = kernel // 2
    made = nn.ConvTranspose2d(channels_in, channels_out, kernel, stride, padding, output_padding=stride - 1)
    nn.init.normal_(made.weight, std=stride / (kernel**2 * channels_in) ** 0.5)
    assert made.bias is not None
    nn.init.zeros_(made.bias)
    return made


def double(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a doubling of the size by convolution and pixel shuffle."""
    return nn.Sequential(conv3(channels_in, 4 * channels_out), nn.PixelShuffle(2))


def start_at(network: nn.Module, levels: Sequence[float]) -> None:
    """Let a network's outputs, in as many parts, begin at levels to learn from."""
    *_, last = (one for one in network.modules() if isinstance(one, nn.Conv2d | nn.ConvTranspose2d))
    assert last.bias is not None
    with torch.no_grad():
        for part, level in zip(last.bias.chunk(len(levels)), levels, strict=True):
            part.fill_(level)


def join(*features: Tensor) -> Tensor:
    """Return features side by side, [B, sum of C, H, W], channels last in memory whatever they are in.

    ``torch.cat`` gives up on that format if one of them is a slice or a broadcast, and each convolution
    after it then reorders its input.
    """
    return torch.cat([feature.permute(0, 2, 3, 1) for feature in features], dim=3).permute(0, 3, 1, 2)


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
