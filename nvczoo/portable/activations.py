"""Functions of single numbers, on a grid: slopes that are fractions of a power of two, and tables."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from nvczoo.entropy import exact
from nvczoo.errors import SettingError
from nvczoo.portable import kernels
from nvczoo.portable.followed import FollowedModule
from nvczoo.portable.grid import EXACT, Grid
from nvczoo.portable.kernels import Rounding, rounding
from nvczoo.portable.module import PortableModule

SLOPE_FRACTION = 12  # 0.01 becomes 41/4096, wrong by 0.1 %
MOST_TABLE_BITS = 16

TABULATED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": exact.exp,
    "sigmoid": exact.sigmoid,
    "softplus": exact.softplus,
    "tanh": exact.tanh,
}


class PortableLeakyReLU(FollowedModule):
    """settle(x or n / 4096 x): the product of 16 bits by n is exact, and rounded once.

    With n up to 512 (slopes up to 1/8) float32 holds it, with all others float64.
    """

    def __init__(self, slope: float, source: Grid, target: Grid | None = None) -> None:
        super().__init__(source, target or source)
        if not 0 <= slope <= 1:
            raise SettingError(f"A LeakyReLU of slope {slope!r} has no portable form: from 0 to 1 they have")
        numerator = round(slope * 2**SLOPE_FRACTION)
        self.slope = numerator / 2**SLOPE_FRACTION
        self.dtype = torch.float32 if numerator * -source.least <= EXACT[torch.float32] else torch.float64

    def units(self, x: Tensor) -> Tensor:
        """Return units of the target, float32, for multiples of the source."""
        x = x.to(self.dtype)
        return self.target.units(torch.maximum(x, x * self.slope)).float()

    def exact(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        if self.quick and kernels.apply(x):
            step = self.target.step
            return kernels.settled(x, [rounding(self.source, self.source.step), self.rounding(step)])
        return self.units(self.source.settle(x)).mul_(self.target.step)

    def smooth(self, x: Tensor) -> Tensor:
        """Return the same by floats."""
        return torch.maximum(x, x * self.slope)

    def rounding(self, step: float) -> Rounding:
        """Return what makes ``units`` times ``step`` of multiples of the source, for kernels."""
        return rounding(self.target, step, slope=self.slope)


class PortableTable(PortableModule):
    """A function looked up for each number of a grid, its values rounded to another grid.

    The table is made by additions, multiplications and divisions in a fixed order
    (``nvczoo.entropy.exact``), so that it can be made anywhere, and needs not be stored.
    """

    table: Tensor

    def __init__(self, function: str, source: Grid, target: Grid) -> None:
        super().__init__(source, target)
        if function not in TABULATED or source.bits > MOST_TABLE_BITS:
            raise SettingError(
                f"No table of {function!r} over {source.bits} bits; known are {', '.join(TABULATED)}, "
                f"up to {MOST_TABLE_BITS} bits"
            )
        self.function = function
        places = np.arange(source.least, source.most + 1, dtype=np.float64) * source.step
        values = torch.from_numpy(TABULATED[function](places))
        self.register_buffer("table", target.settle(values), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the function of each number."""
        places = self.source.units(x).long() - self.source.least
        return self.table[places]
