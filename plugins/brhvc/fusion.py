"""Contextual fusion: the contexts of two references weighed element by element.

Encoder and decoder weigh with networks of their own: the encoder sees the frame, the decoder its latent.

Liu et al., "Neural B-frame video compression with bi-directional reference harmonization" (BRHVC),
NeurIPS 2025.
"""

import torch
from torch import Tensor, nn

from nvczoo.interfaces import Pyramid
from nvczoo.layers import double
from nvczoo.layers.depthwise import DepthwiseConv, depthwise_block
from nvczoo.layers.strips import plus, times


def mixed(weights: Tensor, earlier: Tensor, later: Tensor) -> Tensor:
    """Return (1 + a) * later + (1 + b) * earlier + c, ``weights`` [B, 3 C, H, W] being a, b and c."""
    of_later, of_earlier, bias = weights.chunk(3, dim=1)
    found = plus(times(1 + of_later, later), times(1 + of_earlier, earlier))
    return plus(found, bias)


class EncoderFusion(nn.Module):
    """Weighs by the frame itself, from fine to coarse; feeds the analysis alone."""

    def __init__(self, channels: tuple[int, ...], image_channels: int = 3) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.compare = depthwise_block(3 * image_channels, fine)
        self.enter = nn.ModuleList(
            (DepthwiseConv(fine, fine), DepthwiseConv(fine, fine), DepthwiseConv(fine, middle, stride=2))
        )
        self.weigh = nn.ModuleList(
            (
                depthwise_block(fine, 3 * fine),
                depthwise_block(2 * fine, 3 * middle, 2),
                depthwise_block(2 * middle, 3 * coarse, 2),
            )
        )
        self.leave = nn.ModuleList(depthwise_block(width, width) for width in channels)

    def forward(
        self, frame: Tensor, moved: tuple[Tensor, Tensor], earlier: Pyramid, later: Pyramid
    ) -> Pyramid:
        """Return one pyramid of two; ``moved`` are the pictures of the earlier and the later reference."""
        compared = self.compare(torch.cat((frame, moved[1], moved[0]), dim=1))
        found: list[Tensor] = []
        for enter, weigh, leave, *sides in zip(
            self.enter, self.weigh, self.leave, earlier, later, strict=True
        ):
            weights = weigh(torch.cat((enter(compared), *found[-1:]), dim=1))
            found.append(leave(mixed(weights, *sides)))
        return tuple(found)


class DecoderFusion(nn.Module):
    """Weighs by what was decoded, from coarse to fine."""

    def __init__(self, channels: tuple[int, ...], latent_channels: int, image_channels: int = 3) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.shrink = nn.Sequential(
            DepthwiseConv(image_channels, coarse, stride=2),
            nn.LeakyReLU(),
            DepthwiseConv(coarse, coarse, stride=2),
        )
        self.grow = nn.Sequential(double(latent_channels, coarse), nn.LeakyReLU(), double(coarse, coarse))
        self.compare = depthwise_block(3 * coarse, coarse)
        self.enter = nn.ModuleList(  # coarsest first, as all below
            (DepthwiseConv(coarse, coarse), DepthwiseConv(coarse, coarse), double(coarse, middle))
        )
        self.weigh = nn.ModuleList(
            (
                depthwise_block(coarse, 3 * coarse),
                double(2 * coarse, 3 * middle),
                double(2 * middle, 3 * fine),
            )
        )
        self.leave = nn.ModuleList(depthwise_block(width, width) for width in reversed(channels))

    def forward(
        self, latent: Tensor, moved: tuple[Tensor, Tensor], earlier: Pyramid, later: Pyramid
    ) -> Pyramid:
        """Return one pyramid of two, finest first; see ``EncoderFusion``."""
        told = (self.grow(latent), self.shrink(moved[1]), self.shrink(moved[0]))
        compared = self.compare(torch.cat(told, dim=1))
        found: list[Tensor] = []
        for enter, weigh, leave, *sides in zip(
            self.enter, self.weigh, self.leave, reversed(earlier), reversed(later), strict=True
        ):
            weights = weigh(torch.cat((enter(compared), *found[-1:]), dim=1))
            found.append(leave(mixed(weights, *sides)))
        return tuple(reversed(found))
