"""Laplace and Gaussian with the estimate that the DCVC family is trained on.

A probability has 1e-5 added before its logarithm is taken, so that no symbol costs more than 16.6
bits, and only tiny scales are raised. Tables and rows are those of the plain distributions.
"""

import math
from functools import cached_property

import torch
from torch import Tensor

from nvczoo.entropy.distributions import SQRT_HALF, Gaussian, Laplace, ScaleLadder

ADDED_PROBABILITY = 1e-5
LEAST_SCALE, MOST_SCALE = 1e-5, 1e10


def capped_bits(probability: Tensor) -> Tensor:
    """Return the bits of symbols of this probability, 0 to 16.6."""
    return (torch.log(probability + ADDED_PROBABILITY) / -math.log(2.0)).clamp_min(0)


class Floored(ScaleLadder):
    """A distribution given by its scale, which may be negative: a floor takes care of it."""

    def __init__(self, scale: Tensor, floor: float = LEAST_SCALE) -> None:
        super().__init__(scale=scale)
        self.floor = floor

    @cached_property
    def raised(self) -> Tensor:
        """The scale of each element as the estimate takes it."""
        assert self._scale is not None
        return self._scale.float().clamp(self.floor, MOST_SCALE)

    def below(self, x: Tensor) -> Tensor:
        """Return the mass below ``x``."""
        raise NotImplementedError

    def bits(self, symbols: Tensor) -> Tensor:
        """Return the estimated bits of each symbol, 0 to 16.6."""
        symbols = symbols.float()
        return capped_bits(self.below(symbols + 0.5) - self.below(symbols - 0.5))


class CappedLaplace(Floored, Laplace):
    """Laplace whose symbols cost 16.6 bits at most."""

    def below(self, x: Tensor) -> Tensor:
        """Return the mass below ``x``."""
        return 0.5 - 0.5 * x.sign() * torch.expm1(-x.abs() / self.raised)


class CappedGaussian(Floored, Gaussian):
    """Gaussian whose symbols cost 16.6 bits at most; the scale is the standard deviation."""

    def below(self, x: Tensor) -> Tensor:
        """Return the mass below ``x``."""
        return 0.5 * (1 + torch.erf(x * self.raised.reciprocal() * SQRT_HALF))
