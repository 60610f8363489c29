"""Motion as a field of displacements: found at the encoder, coded as it is, one for each block."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import EntropyModel, SymbolStream
from nvczoo.layers import OnGrid

from .motion_search import BLOCK, PRECISION, Pair, search

NOISE = 0.5  # of the MSE whose worth in bits is one, by the Lagrangian: what a frame will be off by
PEAK = 255.0


class MotionField(nn.Module):
    """Codes displacements [B, 2, H/8, W/8] in luma samples, (right, down)."""

    def __init__(self, entropy_model: EntropyModel) -> None:
        super().__init__()
        self.entropy_model = entropy_model
        self.settle = OnGrid(PRECISION.bit_length() - 1)  # no finer than the field is, so that it reaches far

    @torch.no_grad()
    def find(
        self, flow: Tensor, frame: Tensor, reference: Tensor, previous: Tensor | None, lagrangian: Tensor
    ) -> Tensor:
        """Return the field that is worth its bits, for luma [B, 1, H, W]; ``flow`` is a guess, of any size.

        The flow is in pixels of its own grid, ``lagrangian`` [B] that of the MSE (0..255).
        """
        spacing = frame.shape[-1] // flow.shape[-1]
        guesses = [spacing * F.avg_pool2d(flow.detach().float(), BLOCK // spacing)]
        guesses += [torch.zeros_like(guesses[0]) if previous is None else previous.float()]
        return search(Pair(frame, reference, NOISE / lagrangian / PEAK**2), guesses)

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
