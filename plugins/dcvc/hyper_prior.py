"""Priors that a hyper latent and the context alone tell: one pass, no neighbours.

Sheng et al., "Temporal context mining for learned video compression" (DCVC-TCM), IEEE TMM 2022. That of
its pictures is the mean-scale hyperprior of Minnen, Ballé and Toderici, NeurIPS 2018, with the networks of
Cheng et al., "Learned image compression with discretized Gaussian mixture likelihoods and attention
modules", CVPR 2020.
"""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nvczoo.entropy.bottleneck import EntropyBottleneck
from nvczoo.entropy.capped import CappedLaplace
from nvczoo.entropy.density import Density
from nvczoo.entropy.four_part import INITIAL_SCALE
from nvczoo.entropy.hyper import HyperCodec, hyper_analysis, hyper_synthesis
from nvczoo.entropy.likelihood import FlooredGaussian
from nvczoo.interfaces import Distribution, EntropyModel, SymbolStream
from nvczoo.layers import crop, double
from nvczoo.layers.conv import start_at

from .blocks import parameter_network, transposed_synthesis

PICTURE_STRIDES = (1, 1, 2, 1, 2)  # of the hyper analysis of pictures


class HyperPrior(EntropyModel):
    """Codes a hyper latent first; what it tells stands behind the context."""

    hyper: HyperCodec
    distribution: Callable[[Tensor], Distribution]

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]; see ``EntropyModel``."""
        return self.code_told(stream, latent, self.told(stream, latent, size, context, q))

    def told(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None,
        q: Tensor | None,
    ) -> Tensor:
        """Return context and features of the hyper latent, which is coded here, [B, K, h, w]."""
        known = (one for one in (latent, context, q) if one is not None)
        batch = next((one.shape[0] for one in known), 1)
        features = crop(self.hyper.code(stream.part("hyper"), latent, size, q, batch), size)
        return features if context is None else torch.cat((context, features), dim=1)

    @abstractmethod
    def code_told(self, stream: SymbolStream, latent: Tensor | None, told: Tensor) -> Tensor:
        """Return the latent as the decoder has it, with ``told`` [B, K, h, w] known to both sides."""


class OnePassPrior(HyperPrior):
    """Codes all elements at once; a network, or the hyper synthesis itself, gives scales, then means."""

    fusion: nn.Module

    def code_told(self, stream: SymbolStream, latent: Tensor | None, told: Tensor) -> Tensor:
        """Return the latent as the decoder has it, with ``told`` [B, K, h, w] known to both sides."""
        scales, means = self.fusion(told).float().chunk(2, dim=1)
        values = None if latent is None else latent.float() - means
        symbols = stream.code("latent", values, self.distribution(scales))
        stream.note("symbols", symbols)
        return symbols + means


class TcmInterPrior(OnePassPrior):
    """The prior of DCVC-TCM's P frames, of the motion and of the picture: Laplace."""

    distribution = CappedLaplace

    def __init__(self, channels: int = 96, context_channels: int = 0, hyper_channels: int = 64) -> None:
        super().__init__()
        features = 2 * channels
        self.hyper = HyperCodec(
            hyper_analysis(channels, hyper_channels),
            transposed_synthesis((hyper_channels, channels, 3 * channels // 2, features)),
            Density(hyper_channels),
        )
        self.fusion = _fusion(context_channels, features, channels, kernel=3)
        start_at(self, (INITIAL_SCALE, 0.0))


class PicturePrior(OnePassPrior):
    """The prior of DCVC-TCM's pictures: Gaussian, told by the hyper latent alone."""

    distribution = FlooredGaussian

    def __init__(self, channels: int = 192, context_channels: int = 0) -> None:
        super().__init__()
        self.hyper = picture_hyper(channels)
        self.fusion = _fusion(context_channels, 2 * channels, channels, kernel=1)
        start_at(self, (INITIAL_SCALE, 0.0))


def picture_hyper(channels: int) -> HyperCodec:
    """Return the hyper codec of pictures: as many channels as the latent, twice as many features."""
    return HyperCodec(
        hyper_analysis(channels, channels, PICTURE_STRIDES),
        hyper_synthesis((channels, channels, 3 * channels // 2, 2 * channels), enlarge=double),
        EntropyBottleneck(channels),
    )


def _fusion(context_channels: int, features: int, channels: int, kernel: int) -> nn.Module:
    """Return what merges a context with features, or nothing to do where there is none."""
    if not context_channels:
        return nn.Identity()
    return parameter_network(context_channels + features, channels, kernel)
