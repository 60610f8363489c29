"""A latent in four passes, each told the scales and means that the others had, in a predicted step.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023, section 3.3.
"""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nvczoo.entropy.hyper import HyperCodec
from nvczoo.entropy.lattice import FOUR_PART, Guess, code_in_passes
from nvczoo.interfaces import Distribution, EntropyModel, SymbolStream
from nvczoo.layers.conv import start_at
from nvczoo.layers.elementwise import Times
from nvczoo.layers.on_grid import MEAN_FRACTION, OnGrid

LEAST_STEP = 0.5  # of the predicted quantisation
INITIAL_STEP, INITIAL_SCALE = 1.0, 4.0  # before training; scales below zero would not learn
PASSES = len(FOUR_PART)


class FourPartPrior(EntropyModel):
    """Codes a latent in four passes, in units of a predicted step.

    What a subclass knows becomes the raw step, scales and means of the first pass, ``channels`` each; the
    later passes see all of that beside what is decoded.
    """

    adaptors: nn.ModuleList  # one per later pass, 4 * channels -> channels of ``spatial``
    spatial: nn.Module  # -> scales and means
    distribution: Callable[[Tensor], Distribution]

    def __init__(self) -> None:
        super().__init__()
        self.settle = nn.ModuleList(OnGrid(MEAN_FRACTION) for _ in FOUR_PART)  # means, pass by pass
        self.restore = Times()

    def code_given(self, stream: SymbolStream, latent: Tensor | None, parameters: Tensor) -> Tensor:
        """Return the latent as the decoder has it, from raw steps, scales, means [B, 3 * channels, h, w]."""
        raw_step, scales, means = parameters.float().chunk(3, dim=1)
        step = raw_step.clamp_min(LEAST_STEP)
        values = None if latent is None else latent.float() / step

        def refine(number: int, decoded: Tensor) -> Guess:
            told = torch.cat((decoded.to(parameters.dtype), parameters), dim=1)
            scales, means = self.spatial(self.adaptors[number - 1](told)).float().chunk(2, dim=1)
            return scales, self.settle[number](means)

        first = scales, self.settle[0](means)
        decoded = code_in_passes(stream, values, FOUR_PART, first, refine, self.distribution)
        return self.restore(decoded, step)

    def _start(self, fusion: nn.Module) -> None:
        """Let the last layers of ``fusion`` and ``spatial`` begin with a step and scales to learn from."""
        start_at(fusion, (INITIAL_STEP, INITIAL_SCALE, 0.0))
        start_at(self.spatial, (INITIAL_SCALE, 0.0))


class HyperFourPartPrior(FourPartPrior):
    """Four passes behind a hyper latent, whose features and the context are fused to parameters."""

    hyper: HyperCodec

    @abstractmethod
    def fuse(self, features: Tensor, size: tuple[int, int], context: Tensor | None) -> Tensor:
        """Return raw steps, scales, means [B, 3 * channels, *size] from the hyper codec's features."""

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
        features = self.hyper.code(stream.part("hyper"), latent, size, q, batch)
        return self.code_given(stream, latent, self.fuse(features, size, context))
