"""Motion as a field of displacements: found at the encoder, coded as it is, one for each block."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import QUICK, USUAL, EntropyModel, SymbolStream
from nvczoo.layers import OnGrid, uncompiled
from nvczoo.video.distortion import PEAK

from .compensation import BLOCK, PRECISION
from .motion_relaxation import Known, Priced, relax
from .motion_search import search
from .windows import Pair

NOISE = 0.2  # of the MSE whose worth in bits is one, by the Lagrangian: what a frame will be off by


def worth_a_bit(lagrangian: Tensor) -> Tensor:
    """Return the squared error [B] that is worth half a bit, by the Lagrangian [B] of the MSE of 0..255."""
    return NOISE / lagrangian / PEAK**2


class MotionField(nn.Module):
    """Codes displacements [B, 2, H/8, W/8] in luma samples, (right, down)."""

    def __init__(self, entropy_model: EntropyModel) -> None:
        super().__init__()
        self.entropy_model = entropy_model
        self.settle = OnGrid(PRECISION.bit_length() - 1)  # no finer than the field is, so that it reaches far

    @uncompiled  # a search has as many shapes as sizes of squares
    @torch.no_grad()
    def find(
        self, flow: Tensor, pair: Pair, previous: Tensor | None, q: Tensor, effort: int = USUAL
    ) -> Tensor:
        """Return the field that is worth its bits. ``flow``, in pixels of its own grid, is a guess.

        With no more than ``QUICK`` effort a field's bits are guessed from how even it is, and not asked for.
        """
        pair = pair.plain()
        spacing = pair.frame.shape[-1] // flow.shape[-1]
        guesses = [spacing * F.avg_pool2d(flow.detach().float(), BLOCK // spacing)]
        guesses += [torch.zeros_like(guesses[0]) if previous is None else previous.float()]
        field, prior = search(pair, guesses), self.entropy_model
        if effort <= QUICK or not isinstance(prior, Priced):
            return field

        def price(fields: Tensor, before: Tensor | None, known: Known | None) -> Tensor:
            before = None if before is None else before * PRECISION
            known = None if known is None else (known[0] * PRECISION, known[1])
            return prior.price(fields * PRECISION, before, q.repeat(len(fields) // len(q)), known)

        return relax(field, pair, price, previous)

    def code(
        self,
        stream: SymbolStream,
        field: Tensor | None,
        previous: Tensor | None,
        size: tuple[int, int],
        q: Tensor,
    ) -> Tensor:
        """Return the field as decoded; ``size`` is that of the frame, ``previous`` the field before."""
        shape = size[0] // BLOCK, size[1] // BLOCK
        field = None if field is None else field * PRECISION
        previous = None if previous is None else previous * PRECISION
        decoded = self.entropy_model.code(stream, field, shape, previous, q)
        # Nothing but rates has a gradient: what is fetched by a field says little of how to change it.
        return self.settle(decoded.detach() / PRECISION)
