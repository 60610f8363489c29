"""The factorized prior: each channel has a centre and a scale, learned once and for all.

Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018, use a
non-parametric density per channel; this one is a Laplace on the shared ladder, whose table is
exact on every platform without a step of building.
"""

import torch
from torch import Tensor, nn

from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.ladder import RUNGS
from nvczoo.interfaces import EntropyModel, SymbolStream

POSITION_GAIN = 16.0  # parameters of order one reach every rung, so that one learning rate fits all


class Factorized(EntropyModel):
    """Codes every element of a channel with the same distribution, whatever surrounds it."""

    def __init__(self, channels: int, context_channels: int = 0) -> None:
        super().__init__()
        del context_channels  # taken, so that it can stand in for a prior that uses the context
        self.centre = nn.Parameter(torch.zeros(channels))
        self.position = nn.Parameter(torch.zeros(channels))

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]."""
        batch = _batch(latent, context, q)
        shape = (batch, self.centre.numel(), *size)
        centre = self.centre[None, :, None, None].float()
        position = (RUNGS / 2 + POSITION_GAIN * self.position[None, :, None, None].float()).expand(shape)
        values = None if latent is None else latent.float() - centre
        return stream.code("latent", values, Laplace(position=position)) + centre


def _batch(*known: Tensor | None) -> int:
    """Return the batch size, from whichever tensor is at hand."""
    return next((tensor.shape[0] for tensor in known if tensor is not None), 1)
