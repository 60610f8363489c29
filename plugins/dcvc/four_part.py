"""The priors of DCVC-DC: four passes, each told the scales and means that the others had.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023, section 3.3.
"""

import torch
from torch import Tensor, nn

from nvczoo.entropy.capped import CappedGaussian, CappedLaplace
from nvczoo.entropy.density import Density
from nvczoo.entropy.four_part import PASSES, HyperFourPartPrior
from nvczoo.entropy.hyper import HyperCodec, hyper_analysis, hyper_synthesis
from nvczoo.layers import conv3, crop
from nvczoo.layers.depthwise import depthwise_block, gated_block
from nvczoo.layers.residual import ResidualUp


class DcIntraPrior(HyperFourPartPrior):
    """The prior of DCVC-DC's pictures: gated blocks, Gaussian, no context."""

    def __init__(self, channels: int = 256, context_channels: int = 0) -> None:
        super().__init__()
        del context_channels  # taken, so that it can stand in for a prior that uses the context
        self.distribution = CappedGaussian
        self.hyper = HyperCodec(
            nn.Sequential(
                gated_block(channels, channels),
                conv3(channels, channels, stride=2),
                nn.LeakyReLU(),
                conv3(channels, channels, stride=2),
            ),
            nn.Sequential(
                ResidualUp(channels, channels),
                ResidualUp(channels, channels),
                gated_block(channels, channels),
            ),
            Density(channels),
        )
        double, triple = 2 * channels, 3 * channels
        self.fusion = nn.Sequential(gated_block(channels, double), gated_block(double, triple))
        self.adaptors = nn.ModuleList(nn.Conv2d(4 * channels, triple, 1) for _ in range(PASSES - 1))
        self.spatial = nn.Sequential(
            gated_block(triple, triple), gated_block(triple, double), gated_block(double, double)
        )
        self._start(self.fusion)

    def fuse(self, features: Tensor, size: tuple[int, int], context: Tensor | None) -> Tensor:
        """Return raw steps, scales and means: the crop comes last, and borders see what it cuts off."""
        del context
        return crop(self.fusion(features), size)


class DcInterPrior(HyperFourPartPrior):
    """The prior of DCVC-DC's P frames: Laplace, with the previous frame's latent if there is one.

    The first ``channels_before`` of the context stand before the features of the hyper latent, the others
    behind. The last ``previous_channels`` are the previous latent and may be missing: other weights are
    used then.
    """

    def __init__(
        self,
        channels: int = 128,
        context_channels: int = 0,
        channels_before: int = 0,
        previous_channels: int = 0,
        fused_channels: int = 384,
        hyper_strides: tuple[int, ...] = (1, 2, 2),
    ) -> None:
        super().__init__()
        self.distribution = CappedLaplace
        self.channels_before, self.context_channels = channels_before, context_channels
        self.partial_context = previous_channels > 0
        analysis = hyper_analysis(channels, channels, hyper_strides)
        self.hyper = HyperCodec(analysis, hyper_synthesis((channels,) * 4), Density(channels))
        known, triple = channels + context_channels, 3 * channels
        self.enter = depthwise_block(known, fused_channels)
        self.enter_without_previous = (
            depthwise_block(known - previous_channels, fused_channels) if self.partial_context else None
        )
        self.fusion = nn.Sequential(depthwise_block(fused_channels, triple), depthwise_block(triple, triple))
        self.adaptors = nn.ModuleList(nn.Conv2d(4 * channels, triple, 1) for _ in range(PASSES - 1))
        self.spatial = nn.Sequential(
            depthwise_block(triple, triple),
            depthwise_block(triple, triple),
            depthwise_block(triple, 2 * channels),
        )
        self._start(self.fusion)

    def fuse(self, features: Tensor, size: tuple[int, int], context: Tensor | None) -> Tensor:
        """Return raw steps, scales and means [B, 3 * channels, *size]."""
        known = crop(features, size)
        context_channels = 0
        if context is not None:
            context_channels = context.shape[1]
            before, after = context[:, : self.channels_before], context[:, self.channels_before :]
            known = torch.cat((before, known, after), dim=1)
        if self.enter_without_previous is None or context_channels == self.context_channels:
            return self.fusion(self.enter(known))
        return self.fusion(self.enter_without_previous(known))
