"""Functions of single numbers, on a grid: slopes that are fractions of a power of two, and tables."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from nvczoo.entropy import exact
from nvczoo.errors import SettingError
from nvczoo.portable.grid import Grid, half_up
from nvczoo.portable.held import Held

SLOPE_FRACTION = 12  # 0.01 becomes 41/4096, wrong by 0.1 %
MOST_TABLE_BITS = 16

TABULATED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": exact.exp,
    "sigmoid": exact.sigmoid,
    "softplus": exact.softplus,
    "tanh": exact.tanh,
}


class PortableLeakyReLU(nn.Module):
    """settle(x or n / 4096 x): the product of 16 bits by 12 is exact in float64, and rounded once."""

    def __init__(self, slope: float, grid: Grid) -> None:
        super().__init__()
        self.slope = round(slope * 2**SLOPE_FRACTION) / 2**SLOPE_FRACTION
        self.grid = grid

    @property
    def held(self) -> Held:
        """What its results hold."""
        return self.grid.held

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        units = self.grid.units(x).double()
        return (torch.where(units < 0, half_up(units * self.slope), units) * self.grid.step).float()


class PortableTable(nn.Module):
    """A function looked up for each number of a grid, its values rounded to another grid.

    The table is made by additions, multiplications and divisions in a fixed order
    (``nvczoo.entropy.exact``), so that it can be made anywhere, and needs not be stored.
    """

    table: Tensor

    def __init__(self, function: str, source: Grid, target: Grid) -> None:
        super().__init__()
        if function not in TABULATED or source.bits > MOST_TABLE_BITS:
            raise SettingError(
                f"No table of {function!r} over {source.bits} bits; known are {', '.join(TABULATED)}, "
                f"up to {MOST_TABLE_BITS} bits"
            )
        self.function, self.source, self.target = function, source, target
        places = np.arange(source.least, source.most + 1, dtype=np.float64) * source.step
        values = torch.from_numpy(TABULATED[function](places))
        self.register_buffer("table", target.settle(values), persistent=False)

    @property
    def held(self) -> Held:
        """What its results hold."""
        return self.target.held

    def forward(self, x: Tensor) -> Tensor:
        """Return the function of each number."""
        places = self.source.units(x).long() - self.source.least
        return self.table[places]
