"""The dual spatial prior of DCVC-HEM: two passes over a checkerboard, in units of a predicted step.

Li, Li and Lu, "Hybrid spatial-temporal entropy modelling for neural video compression" (DCVC-HEM),
ACM Multimedia 2022, section 3.3.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from nvczoo.entropy.capped import CappedGaussian, CappedLaplace
from nvczoo.entropy.density import Density
from nvczoo.entropy.four_part import INITIAL_SCALE, INITIAL_STEP, LEAST_STEP
from nvczoo.entropy.hyper import HyperCodec, hyper_analysis, hyper_synthesis
from nvczoo.entropy.lattice import CHECKERBOARD, Guess, code_in_passes
from nvczoo.interfaces import Distribution, EntropyModel, SymbolStream
from nvczoo.layers import conv3, crop
from nvczoo.layers.conv import start_at

PRIOR_SLOPE = 0.2
GAUSSIAN_FLOOR = 0.11  # of the scale in the estimate


class DualPrior(EntropyModel):
    """Codes a latent in two passes; the second is told what the first decoded and what it was told.

    The first ``channels_before`` of the context stand before the features of the hyper latent, the others
    behind. ``hyper_channels`` and ``fused_channels`` are as many as the latent's, and three times as many,
    if not given.
    """

    distribution: Callable[[Tensor], Distribution]

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
        start_at(self.fusion, (INITIAL_STEP, INITIAL_SCALE, 0.0))
        start_at(self.spatial, (INITIAL_SCALE, 0.0) * 2)

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]; see ``EntropyModel``."""
        known = (one for one in (latent, context, q) if one is not None)
        batch = next((one.shape[0] for one in known), 1)
        features = crop(self.hyper.code(stream.part("hyper"), latent, size, q, batch), size)
        if context is not None:
            before, after = context[:, : self.channels_before], context[:, self.channels_before :]
            features = torch.cat((before, features, after), dim=1)
        parameters = self.fusion(features)
        raw_step, scales, means = parameters.float().chunk(3, dim=1)
        step = raw_step.clamp_min(LEAST_STEP)
        values = None if latent is None else latent.float() / step

        def refine(number: int, decoded: Tensor) -> Guess:
            del number  # there is one
            told = torch.cat((decoded, means, scales, step), dim=1).to(parameters.dtype)
            quarters = self.spatial(told).float().chunk(4, dim=1)  # scales and means of each half of channels
            return torch.cat(quarters[::2], dim=1), torch.cat(quarters[1::2], dim=1)

        decoded = code_in_passes(stream, values, CHECKERBOARD, (scales, means), refine, self.distribution)
        return decoded * step


class HemIntraPrior(DualPrior):
    """The prior of DCVC-HEM's pictures: Gaussian."""

    distribution = staticmethod(partial(CappedGaussian, floor=GAUSSIAN_FLOOR))


class HemInterPrior(DualPrior):
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
