"""How large an element is likely to be, from how large its neighbours are.

Coefficients of a transform have no sign to be predicted, but energies that go together, in space, from frame
to frame and among themselves. Networks that mix channels have no room for one energy for each: this is a
path for them, as old as context modelling in wavelet codecs (Wu, "Context quantization with Fisher
discriminant for adaptive embedded wavelet image coding", DCC 1999). A decision of ours.
"""

import torch
from torch import Tensor, nn

from nvczoo.layers import OnGrid, conv3
from nvczoo.layers.conv import conv
from nvczoo.layers.on_grid import MEAN_FRACTION

SMALL, LARGE = 1.0, 8.0  # two ramps stand for a logarithm: magnitudes count up to these
POOLED = 16  # channels that tell of the energies of all


class Magnitudes(nn.Module):
    """[B, channels, h, w] of known elements, zero elsewhere -> what to add to the positions of all."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.enter = OnGrid()
        self.own = nn.Conv2d(2 * channels, channels, 3, padding=1, groups=channels)
        self.all = nn.Sequential(conv(2 * channels, POOLED, 1), nn.LeakyReLU(), conv3(POOLED, channels))
        self.settle = OnGrid(MEAN_FRACTION)
        for layer in (self.own, self.all[-1]):  # at first nothing is added
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, known: Tensor) -> Tensor:
        """Return [B, channels, h, w]."""
        size = self.enter(known).float().abs()
        ramps = (size.clamp(0, SMALL)[:, :, None], size.clamp(0, LARGE)[:, :, None] / LARGE)
        ramps = torch.cat(ramps, 2).flatten(1, 2)  # of each channel in turn
        return self.settle(self.own(ramps) + self.all(ramps))
