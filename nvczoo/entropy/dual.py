"""A latent in two passes over a checkerboard, in units of a predicted step.

Li, Li and Lu, "Hybrid spatial-temporal entropy modelling for neural video compression" (DCVC-HEM),
ACM Multimedia 2022, section 3.3.
"""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nvczoo.entropy.four_part import INITIAL_SCALE, INITIAL_STEP, LEAST_STEP
from nvczoo.entropy.hyper import HyperCodec
from nvczoo.entropy.lattice import CHECKERBOARD, Guess, code_in_passes
from nvczoo.interfaces import Distribution, EntropyModel, SymbolStream
from nvczoo.layers import crop
from nvczoo.layers.conv import start_at

GAUSSIAN_FLOOR = 0.11  # of the scale in the estimate


class DualPrior(EntropyModel):
    """Codes a latent in two passes; the second is told what the first decoded and what it was told.

    A subclass fuses the features of the hyper latent and the context to the raw step, scales and means of
    the first pass, ``channels`` each.
    """

    hyper: HyperCodec
    spatial: nn.Module  # 4 * channels -> scales and means of one half of the channels, then of the other
    distribution: Callable[[Tensor], Distribution]

    @abstractmethod
    def fuse(self, features: Tensor, context: Tensor | None) -> Tensor:
        """Return raw steps, scales, means [B, 3 * channels, h, w] from features [B, ., h, w]."""

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
        parameters = self.fuse(features, context)
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

    def _start(self, fusion: nn.Module) -> None:
        """Let the last layers of ``fusion`` and ``spatial`` begin with a step and scales to learn from."""
        start_at(fusion, (INITIAL_STEP, INITIAL_SCALE, 0.0))
        start_at(self.spatial, (INITIAL_SCALE, 0.0) * 2)
