"""Factors that follow ``q``, as a table at whole ``q`` and integers between."""

from collections.abc import Callable

import torch
from torch import Tensor

from nvczoo.errors import SettingError
from nvczoo.interfaces import Q_MAX
from nvczoo.portable.grid import Grid, nearest
from nvczoo.portable.held import Held
from nvczoo.portable.module import PortableModule

Q_FRACTION = 8  # a stream holds q in steps of 1/256
FACTOR_BITS = 20  # with 24 bits of what is multiplied, and as many of another factor, still below 53


class PortableFactors(PortableModule):
    """Per-channel factors [B, C, 1, 1], linear between their values at whole ``q``.

    They are float64, so that what is multiplied by them becomes float64 and stays exact. Piecewise linear
    rules with whole knots are met up to the rounding of the table; a geometric one over the whole range of
    q up to 2e-3 percent.
    """

    table: Tensor

    def __init__(
        self, factors: Callable[[Tensor], Tensor], grid: Grid | None = None, bits: int = FACTOR_BITS
    ) -> None:
        """``factors`` [B, C, 1, 1] of ``q`` [B] go into the table, on the finest grid that holds them."""
        with torch.no_grad():
            values = factors(torch.arange(int(Q_MAX) + 1, dtype=torch.float32)).flatten(1)  # [64, C]
        grid = grid or Grid.holding(float(values.abs().max()), bits)
        super().__init__(grid, grid)
        self.register_buffer("table", grid.units(values.double()).to(torch.int32))

    @property
    def held(self) -> Held:
        """What its results hold."""
        return self.target.held.finer(self.target.fraction + Q_FRACTION)

    def check(self) -> None:
        """Raise SettingError if the table as loaded is not on its grid."""
        if int(self.table.abs().max()) > -self.target.least:
            raise SettingError(f"A table of factors has more than {self.target.bits} bits")

    def forward(self, *sampler_and_q: object) -> Tensor:
        """Return [B, C, 1, 1] for ``q`` [B], given last; the sampler before it is in the table already."""
        q = sampler_and_q[-1]
        assert isinstance(q, Tensor)
        units = nearest(q.double() * 2**Q_FRACTION).long().clamp(0, int(Q_MAX) << Q_FRACTION)
        low, place = units >> Q_FRACTION, (units & ((1 << Q_FRACTION) - 1))[:, None]
        high = (low + 1).clamp(max=int(Q_MAX))
        between = self.table[low].long() * ((1 << Q_FRACTION) - place) + self.table[high].long() * place
        return (between.double() * (self.target.step / 2**Q_FRACTION))[:, :, None, None]
