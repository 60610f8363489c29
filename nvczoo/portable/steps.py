"""Factors that follow ``q``, as a table at whole ``q`` and integers between."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nvczoo.interfaces import Q_MAX
from nvczoo.portable.grid import Grid, half_up
from nvczoo.portable.held import Held

Q_FRACTION = 8  # a stream holds q in steps of 1/256
FACTOR_BITS = 20  # with 24 bits of what is multiplied, and as many of another factor, still below 53


class PortableFactors(nn.Module):
    """Per-channel factors [B, C, 1, 1], linear between their values at whole ``q``.

    They are float64, so that what is multiplied by them becomes float64 and stays exact. Piecewise linear
    rules with whole knots are met up to the rounding of the table; a geometric one over the whole range of
    q up to 2e-3 percent.
    """

    table: Tensor

    def __init__(self, factors: Callable[[Tensor], Tensor], bits: int = FACTOR_BITS) -> None:
        super().__init__()
        with torch.no_grad():
            values = factors(torch.arange(int(Q_MAX) + 1, dtype=torch.float32)).flatten(1)  # [64, C]
        self.grid = Grid.holding(float(values.abs().max()), bits)
        self.register_buffer("table", self.grid.units(values.double()).to(torch.int32))

    @property
    def held(self) -> Held:
        """What its results hold."""
        return self.grid.held.finer(self.grid.fraction + Q_FRACTION)

    def forward(self, rate_sampler: nn.Module, q: Tensor) -> Tensor:
        """Return [B, C, 1, 1] for ``q`` [B]; the rule of the sampler is in the table."""
        del rate_sampler
        units = half_up(q.double() * 2**Q_FRACTION).long().clamp(0, int(Q_MAX) << Q_FRACTION)
        low, place = units >> Q_FRACTION, (units & ((1 << Q_FRACTION) - 1))[:, None]
        high = (low + 1).clamp(max=int(Q_MAX))
        between = self.table[low].long() * ((1 << Q_FRACTION) - place) + self.table[high].long() * place
        return (between.double() * (self.grid.step / 2**Q_FRACTION))[:, :, None, None]
