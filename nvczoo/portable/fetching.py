"""Displaced blocks that overlap, in integers: ``nvczoo.layers.block_fetch`` on grids."""

from torch import Tensor

from nvczoo.layers.block_fetch import TAP_BITS, WINDOW_BITS, fetched, integer_taps, integer_window
from nvczoo.portable.grid import Grid, nearest
from nvczoo.portable.module import PortableModule
from nvczoo.portable.sums import plain_kernels


class PortableBlockFetch(PortableModule):
    """``BlockFetch`` with integers in float64, and one rounding at the end.

    An image of 16 bits then needs 48 bits at most: taps, twice, whose absolute values sum to less than 2**13,
    and weights that sum to 2**6.
    """

    taps: Tensor
    window: Tensor

    def __init__(self, block: int, precision: int, grid: Grid) -> None:
        super().__init__(grid, grid)
        self.register_buffer("taps", integer_taps(block, precision).double(), persistent=False)
        self.register_buffer("window", integer_window(block).double(), persistent=False)

    def forward(self, image: Tensor, field: Tensor) -> Tensor:
        """Return [B, C, H, W], float32, for an image [B, C, H, W] and a field [B, 2, h, w] (right, down)."""
        with plain_kernels():
            sums = fetched(self.source.units(image).double(), field, self.taps, self.window)
        units = nearest(sums * 2.0 ** -(2 * TAP_BITS + WINDOW_BITS))
        return (units.clamp_(self.source.least, self.source.most) * self.source.step).float()
