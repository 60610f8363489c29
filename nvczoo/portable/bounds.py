"""How large a sum can grow: what has to be proved before an order of summation may not matter.

If the absolute values of all addends, integers, sum up to no more than 2**p, then so does every partial sum
in whatever order, and each is a float with a p-bit significand: nothing is ever rounded. Threads, vector
widths, blocking and fused multiply-adds then cannot change the result.
"""

import torch
from torch import Tensor

from nvczoo.errors import SettingError
from nvczoo.portable.grid import EXACT, Grid

MOST_PARTS = 3  # with four, float64 is as fast


def greatest_weight(weight: Tensor) -> int:
    """Return the largest sum of absolute integer weights over the output channels of ``weight`` [O, ...]."""
    return int(weight.to(torch.int64).abs().flatten(1).sum(1).max())


def reach(weight: Tensor, bias: Tensor, units: int) -> int:
    """Return what no partial sum of a convolution exceeds, for inputs within +-``units``.

    ``weight`` [O, ...] and ``bias`` [O] are integers, the latter in units of the sum.
    """
    sums = weight.to(torch.int64).abs().flatten(1).sum(1)
    return max(int(one) * units + abs(int(b)) for one, b in zip(sums, bias, strict=True))


def prove(name: str, bound: int, dtype: torch.dtype) -> None:
    """Raise SettingError unless sums up to ``bound`` are exact in this type."""
    if bound > EXACT[dtype]:
        raise SettingError(
            f"{name} can reach {bound}, and {str(dtype).removeprefix('torch.')} holds integers up to "
            f"{EXACT[dtype]} only: give its weights or its input fewer bits"
        )


def parts_needed(weight: Tensor, grid: Grid) -> int | None:
    """Return in how many parts an input is cut so that float32 holds the sums of each; None if none help.

    Cut in n, each part has ``part_bits`` bits: x = sum of x_i * 2**(i * bits), |x_i| <= 2**(bits - 1).
    """
    most, heaviest = EXACT[torch.float32], greatest_weight(weight)
    wanted = (n for n in range(1, MOST_PARTS + 1) if heaviest << part_bits(grid, n) - 1 <= most)
    return next(wanted, None)


def part_bits(grid: Grid, parts: int) -> int:
    """Return the bits of each part of an input that is cut in so many."""
    return -(-grid.bits // parts)
