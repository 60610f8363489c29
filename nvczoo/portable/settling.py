"""The places where a pipeline returns to a grid."""

from torch import Tensor

from nvczoo.portable import kernels
from nvczoo.portable.followed import FollowedModule
from nvczoo.portable.grid import Grid
from nvczoo.portable.kernels import rounding


class PortableOnGrid(FollowedModule):
    """Rounds to a grid, once: ``nvczoo.layers.OnGrid`` in portable arithmetic."""

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid, grid)

    def exact(self, x: Tensor) -> Tensor:
        """Return the nearest multiples, float32."""
        if self.quick and kernels.apply(x):
            return kernels.settled(x, [rounding(self.target, self.target.step)])
        return self.target.settle(x)

    def smooth(self, x: Tensor) -> Tensor:
        """Return it as it is."""
        return x
