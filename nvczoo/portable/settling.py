"""The places where a pipeline returns to a grid."""

from torch import Tensor

from nvczoo.portable import kernels
from nvczoo.portable.grid import Grid
from nvczoo.portable.kernels import rounding
from nvczoo.portable.module import PortableModule


class PortableOnGrid(PortableModule):
    """Rounds to a grid, once: ``nvczoo.layers.OnGrid`` in portable arithmetic."""

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid, grid)

    def forward(self, x: Tensor) -> Tensor:
        """Return the nearest multiples, float32."""
        if self.quick and kernels.apply(x):
            return kernels.settled(x, [rounding(self.target, self.target.step)])
        return self.target.settle(x)
