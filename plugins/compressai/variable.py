"""CompressAI's image models that have all rates in one network.

Kamisli, Racapé and Choi, "Variable-rate learned image compression with multi-objective optimization and
quantization-reconstruction offsets", DCC 2024, https://arxiv.org/abs/2402.18930.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nvczoo.entropy.likelihood import LEAST_DEVIATION, FlooredGaussian
from nvczoo.interfaces import Layout, RateSampler, SymbolStream

from .images import NAMES, Pictures
from .library import variable_model
from .priors import HyperPrior, MeanScalePrior

LOWEST_GAIN, HIGHEST_GAIN = 0.1, 1.0  # before training


class VariableImage(Pictures):
    """Codes a picture at any rate: its latent is scaled by a gain that depends on ``q``.

    The gains stand at the anchors of ``rate_sampler``. CompressAI's have eight, its ``s`` from 0 to 7, so
    that with the rate sampler ``anchored`` of 8 anchors ``q`` is 9 s. What is decoded is moved towards the
    mean by an offset that a small network tells from scale and gain.
    """

    published = (*NAMES, (r"^Gain$", "gain"), (r"^QuantABCD\.", "offset."))
    architecture: str
    prior_of: type[HyperPrior]

    def __init__(
        self,
        rate_sampler: RateSampler,
        transform_widths: tuple[int, ...] = (),
        layout: Layout = "packed420",
    ) -> None:
        theirs = variable_model(self.architecture, transform_widths)
        super().__init__(theirs, layout)
        self.rate_sampler = rate_sampler
        self.prior = self.prior_of(theirs)
        self.offset: nn.Module = theirs.QuantABCD
        self.gain = nn.Parameter(_geometric(rate_sampler.anchors))

    def code_latent(
        self, stream: SymbolStream, latent: Tensor | None, size: tuple[int, int], q: Tensor
    ) -> Tensor:
        """Return the latent [B, C, *size] as the decoder has it."""
        scales, means = self.prior.scales_and_means(self.prior.told(stream, latent, size, len(q)))
        gain = self.rate_sampler.interpolate(self.gain[:, None], q)  # [B, 1, 1, 1]
        scales = scales * gain
        scaled = None if latent is None else latent * gain - means * gain
        symbols = stream.code("latent", scaled, FlooredGaussian(scales))
        known = torch.stack((scales.clamp(min=LEAST_DEVIATION), gain.expand_as(scales)), dim=-1)
        offset = self.offset(known).squeeze(-1)
        return (symbols - symbols.sign() * offset) / gain + means


def _geometric(count: int) -> Tensor:
    """Return ``count`` gains, each the one before times the same."""
    if count == 1:
        return torch.tensor([HIGHEST_GAIN])
    places = torch.linspace(0, 1, count)
    return LOWEST_GAIN * (HIGHEST_GAIN / LOWEST_GAIN) ** places


class VariableHyperprior(VariableImage):
    """bmshj2018-hyperprior at all rates: a hyper latent tells scales."""

    architecture, prior_of = "bmshj2018-hyperprior-vbr", HyperPrior


class VariableMeanScale(VariableImage):
    """mbt2018-mean at all rates: a hyper latent tells scales and means."""

    architecture, prior_of = "mbt2018-mean-vbr", MeanScalePrior
