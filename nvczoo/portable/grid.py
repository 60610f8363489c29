"""Numbers that every machine holds alike: integers of few bits times a power of two, kept in floats."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from nvczoo.errors import SettingError
from nvczoo.portable.held import Held

ACTIVATION_BITS = 16
MOST_BITS = 24  # float32 holds all integers up to 2**24
MOST_FRACTION = 40  # far from where a float32 loses digits for being small

# Up to here, inclusive, every integer is a float of that type: sums that stay within are exact.
EXACT = {torch.float32: 1 << 24, torch.float64: 1 << 53}


@dataclass(frozen=True)
class Grid:
    """The multiples of 2**-fraction that fit in ``bits`` bits with a sign."""

    fraction: int
    bits: int = ACTIVATION_BITS

    def __post_init__(self) -> None:
        if not (2 <= self.bits <= MOST_BITS and abs(self.fraction) <= MOST_FRACTION):
            raise SettingError(
                f"A grid has 2 to {MOST_BITS} bits and a fraction within +-{MOST_FRACTION}, "
                f"not {self.bits} and {self.fraction}"
            )

    @property
    def step(self) -> float:
        """The distance of neighbours."""
        return 2.0**-self.fraction

    @property
    def least(self) -> int:
        """The lowest integer."""
        return -(1 << (self.bits - 1))

    @property
    def most(self) -> int:
        """The highest integer."""
        return (1 << (self.bits - 1)) - 1

    @property
    def held(self) -> Held:
        """What is known of numbers on it."""
        return Held(self.fraction, -self.least)

    def units(self, x: Tensor) -> Tensor:
        """Return the nearest integers, as floats, and no further out than the grid goes."""
        return (x * 2.0**self.fraction).round_().clamp_(self.least, self.most)

    def settle(self, x: Tensor) -> Tensor:
        """Return the nearest multiples, as float32 in the shape of ``x``."""
        return self.units(x).mul_(self.step).float()

    @classmethod
    def holding(cls, reach: float, bits: int = ACTIVATION_BITS) -> "Grid":
        """Return the finest grid of so many bits that holds -reach..reach; ``reach`` >= 0."""
        # The exponent of a float and a comparison: no logarithm of some library decides a grid.
        fraction = min(bits - 1 - math.frexp(reach)[1], MOST_FRACTION)
        if reach * 2.0**fraction > (1 << (bits - 1)) - 1:
            fraction -= 1
        return cls(fraction, bits)


def nearest(x: Tensor) -> Tensor:
    """Return the nearest integer, ties to the even one: the one rounding of portable arithmetic.

    It is an operation of IEEE 754 and needs no bound; floor(x + 1/2) would round twice: of the float32 below
    a half it makes 1.
    """
    return x.round()
