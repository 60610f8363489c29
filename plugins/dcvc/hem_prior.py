"""The dual spatial prior of DCVC-HEM: two passes over a checkerboard, in units of a predicted step.

Li, Li and Lu, "Hybrid spatial-temporal entropy modelling for neural video compression" (DCVC-HEM),
ACM Multimedia 2022, section 3.3.
"""

from functools import partial

import torch
from torch import Tensor, nn

from nvczoo.entropy.capped import CappedGaussian, CappedLaplace
from nvczoo.entropy.density import Density
from nvczoo.entropy.dual import GAUSSIAN_FLOOR, DualPrior
from nvczoo.entropy.hyper import HyperCodec, hyper_analysis, hyper_synthesis
from nvczoo.layers import conv3

PRIOR_SLOPE = 0.2


class HemPrior(DualPrior):
    """Networks of plain convolutions around the two passes.

    The first ``channels_before`` of the context stand before the features of the hyper latent, the others
    behind. ``hyper_channels`` and ``fused_channels`` are as many as the latent's, and three times as many,
    if not given.
    """

    def __init__(
        self,
        channels: int = 192,
        context_channels: int = 0,
        channels_before: int = 0,
        hyper_channels: int | None = None,
        fused_channels: int | None = None,
        hyper_strides: tuple[int, ...] = (1, 1, 2, 1, 2),
    ) -> None:
        super().__init__()
        self.channels_before = channels_before
        hyper, triple = hyper_channels or channels, 3 * channels
        self.hyper = HyperCodec(
            hyper_analysis(channels, hyper, hyper_strides),
            hyper_synthesis((hyper, channels, triple // 2, 2 * channels)),
            Density(hyper),
        )
        fused = fused_channels or triple
        self.fusion = _three_convolutions((2 * channels + context_channels, fused, triple, triple))
        self.spatial = _three_convolutions((4 * channels, triple, triple, 2 * channels))
        self._start(self.fusion)

    def fuse(self, features: Tensor, context: Tensor | None) -> Tensor:
        """Return raw steps, scales and means [B, 3 * channels, h, w]."""
        if context is None:
            return self.fusion(features)
        before, after = context[:, : self.channels_before], context[:, self.channels_before :]
        return self.fusion(torch.cat((before, features, after), dim=1))


class HemIntraPrior(HemPrior):
    """The prior of DCVC-HEM's pictures: Gaussian."""

    distribution = staticmethod(partial(CappedGaussian, floor=GAUSSIAN_FLOOR))


class HemInterPrior(HemPrior):
    """The prior of DCVC-HEM's P frames, of the motion and of the picture: Laplace."""

    distribution = CappedLaplace


def _three_convolutions(widths: tuple[int, int, int, int]) -> nn.Sequential:
    """Return 3x3 convolutions with leaky ReLUs between."""
    known, first, second, last = widths
    return nn.Sequential(
        conv3(known, first),
        nn.LeakyReLU(PRIOR_SLOPE),
        conv3(first, second),
        nn.LeakyReLU(PRIOR_SLOPE),
        conv3(second, last),
    )
