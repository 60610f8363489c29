"""How large a sum can grow: what has to be proved before an order of summation may not matter.

If the absolute values of all addends, integers, sum up to no more than 2**p, then so does every partial sum
in whatever order, and each is a float with a p-bit significand: nothing is ever rounded. Threads, vector
widths, blocking and fused multiply-adds then cannot change the result.
"""

import torch
from torch import Tensor

from nvczoo.errors import SettingError
from nvczoo.portable.grid import EXACT, Grid


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


def low_bits(weight: Tensor, grid: Grid) -> int | None:
    """Return how many low bits of the input go into one float32 sum, the others into another.

    None if two sums are not enough; ``grid.bits`` if one is.
    """
    most, heaviest = EXACT[torch.float32], greatest_weight(weight)
    if heaviest * -grid.least <= most:
        return grid.bits
    low = grid.bits // 2  # of x = high * 2**low + rest, |rest| <= 2**(low - 1), |high| <= 2**(bits - 1 - low)
    return low if heaviest << max(low, grid.bits - low) - 1 <= most else None
