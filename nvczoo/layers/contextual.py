"""Coding a picture on condition of contexts at three scales: analysis, synthesis, reconstruction.

Sheng et al., "Temporal context mining for learned video compression" (DCVC-TCM), IEEE TMM 2022; the later
DCVC models differ in widths and blocks, and leave the normalisation out.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nvczoo.interfaces import Pyramid
from nvczoo.layers.conv import conv3, double
from nvczoo.layers.residual import Bottleneck
from nvczoo.layers.strips import one_by_one
from nvczoo.layers.unet import Block

WidthBlock = Callable[[int], nn.Module]  # of channels, the same in and out
SYNTHESIS_CHANNELS = 32
TEMPORAL_SLOPE = 0.1


def _nothing(channels: int) -> nn.Module:
    del channels
    return nn.Identity()


class ContextualAnalysis(nn.Module):
    """Four halvings, with the context of each scale where it is met."""

    def __init__(
        self,
        image_channels: int,
        channels: tuple[int, ...],
        latent_channels: int,
        block: WidthBlock = Bottleneck,
        norm: WidthBlock = _nothing,  # behind each halving but the last
    ) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.norms = nn.ModuleList(norm(width) for width in (middle, coarse, coarse))
        self.gain_channels = 2 * middle
        self.enter = conv3(image_channels + fine, middle, stride=2)
        self.block_middle = block(2 * middle)
        self.halve = conv3(2 * middle, coarse, stride=2)
        self.block_coarse = block(2 * coarse)
        self.leave = nn.Sequential(
            conv3(2 * coarse, coarse, stride=2), conv3(coarse, latent_channels, stride=2)
        )

    def forward(self, image: Tensor, contexts: Pyramid, gain: Tensor | float = 1.0) -> Tensor:
        """Return [B, latent_channels, H/16, W/16]; ``gain`` [B, gain_channels, 1, 1] acts at half size."""
        fine, middle, coarse = contexts
        x = self.norms[0](self.enter(torch.cat((image, fine), dim=1)))
        x = self.block_middle(torch.cat((x, middle), dim=1)) * gain
        x = self.norms[1](self.halve(x))
        x = self.block_coarse(torch.cat((x, coarse), dim=1))
        return self.leave[1](self.norms[2](self.leave[0](x)))


class ContextualSynthesis(nn.Module):
    """Four doublings, with the contexts at 1/4 and 1/2."""

    def __init__(
        self,
        channels: tuple[int, ...],
        latent_channels: int,
        block: WidthBlock = Bottleneck,
        norm: WidthBlock = _nothing,  # behind each doubling but the last
    ) -> None:
        super().__init__()
        _, middle, coarse = channels
        self.norms = nn.ModuleList(norm(width) for width in (coarse, coarse, middle))
        self.gain_channels = middle
        self.enter = nn.Sequential(double(latent_channels, coarse), double(coarse, coarse))
        self.block_coarse = block(2 * coarse)
        self.grow = double(2 * coarse, middle)
        self.block_middle = block(2 * middle)
        self.leave = double(2 * middle, SYNTHESIS_CHANNELS)

    def forward(self, latent: Tensor, contexts: Pyramid, gain: Tensor | float = 1.0) -> Tensor:
        """Return [B, 32, H, W]; ``gain`` [B, gain_channels, 1, 1] acts at half size."""
        _, middle, coarse = contexts
        x = self.norms[1](self.enter[1](self.norms[0](self.enter[0](latent))))
        x = self.block_coarse(torch.cat((x, coarse), dim=1))
        x = self.norms[2](self.grow(x)) * gain
        x = self.block_middle(torch.cat((x, middle), dim=1))
        return self.leave(x)


class Reconstruction(nn.Module):
    """What the synthesis found and the finest context -> the feature to carry on, and the picture."""

    def __init__(self, channels: int, image_channels: int, unet: Block, count: int = 2) -> None:
        super().__init__()
        self.enter = conv3(SYNTHESIS_CHANNELS + channels, channels)
        self.unets = nn.Sequential(*(unet(channels, channels) for _ in range(count)))
        self.leave = conv3(channels, image_channels)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the feature [B, C, H, W] and the picture, not clamped."""
        feature = one_by_one((self.enter, *self.unets), torch.cat((x, context), dim=1))
        return feature, self.leave(feature)


def temporal_prior(channels: int, hidden_channels: int, latent_channels: int) -> nn.Sequential:
    """Return what makes of the coarsest context what it tells of the latent: 1/4 -> 1/16 of the size."""
    return nn.Sequential(
        conv3(channels, hidden_channels, stride=2),
        nn.LeakyReLU(TEMPORAL_SLOPE),
        conv3(hidden_channels, latent_channels, stride=2),
    )
