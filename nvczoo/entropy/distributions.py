"""Distributions of integer symbols: an estimate to train with, a table row to code with."""

import math
from copy import copy
from functools import cached_property
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from nvczoo.entropy.ladder import LOWEST_OCTAVE, RUNGS, RUNGS_PER_OCTAVE, SCALE_BITS, SCALES
from nvczoo.entropy.tables import gaussian_tables, laplace_tables
from nvczoo.interfaces import Distribution, TableSet

LOG2_E = math.log2(math.e)
SQRT_HALF = math.sqrt(0.5)
LEAST_PROBABILITY = 2.0**-40  # keeps the logarithm finite; no symbol costs that much in a table

# Half-way points between neighbouring rungs, geometrically; a fixed grid to compare scales with.
_BOUNDARIES = torch.tensor([math.sqrt(a * b) / 2**SCALE_BITS for a, b in pairwise(SCALES)])


class ScaleLadder(Distribution):
    """A zero-mean distribution given by its scale, or by the scale's position on the ladder."""

    def __init__(self, *, scale: Tensor | None = None, position: Tensor | None = None) -> None:
        if (scale is None) == (position is None):
            raise TypeError("give either scale= or position=")
        self._scale = scale
        self._position = position

    @cached_property
    def scale(self) -> Tensor:
        """The scale of each element, within the ladder, as float32."""
        if self._scale is not None:
            return self._scale.float().clamp(SCALES[0] / 2**SCALE_BITS, SCALES[-1] / 2**SCALE_BITS)
        assert self._position is not None
        position = self._position.float().clamp(0, RUNGS - 1)
        return torch.exp2(position / RUNGS_PER_OCTAVE + LOWEST_OCTAVE)

    def noisy_bits(self, values: Tensor, noise: Tensor) -> Tensor:
        """Return what rounded values cost, with the gradient in the values that noise gives.

        Learned from noisy values, scales do not fit symbols that are mostly zero. As in Minnen and Singh,
        "Channel-wise autoregressive entropy models for learned image compression", ICIP 2020, who mix the two
        between rate and distortion.
        """
        noisy = self._fixed().bits(values + noise)
        return self.bits(values.detach().round()) + (noisy - noisy.detach())

    def _fixed(self) -> Self:
        """Return the same distribution, whose parameters get no gradient."""
        fixed = copy(self)
        vars(fixed).pop("scale", None)  # as it may be kept already
        fixed._scale = None if self._scale is None else self._scale.detach()
        fixed._position = None if self._position is None else self._position.detach()
        return fixed

    def indexes(self) -> Tensor:
        """Return the nearest rung of each element, uint8."""
        if self._position is not None:
            return (self._position.float() + 0.5).floor().clamp(0, RUNGS - 1).to(torch.uint8)
        assert self._scale is not None
        scale = self._scale.float().contiguous()
        return torch.bucketize(scale, _BOUNDARIES.to(scale.device)).to(torch.uint8)


class Laplace(ScaleLadder):
    """Laplace: density exp(-|x| / scale) / (2 scale)."""

    @property
    def table(self) -> TableSet:
        """The Laplace tables, one row per rung."""
        return laplace_tables()

    def bits(self, symbols: Tensor) -> Tensor:
        """Return -log2 of the mass within half a unit of each symbol; exact in the far tail."""
        distance = symbols.float().abs()
        rate = 1 / self.scale
        outer = 0.5 * -torch.expm1(-rate)  # mass of [x - 1/2, x + 1/2] relative to exp(-(x - 1/2) / scale)
        tail = (distance - 0.5).clamp_min(0) * rate * LOG2_E - torch.log2(outer)
        inside = distance.clamp_max(0.5)
        head = 1 - torch.exp(-0.5 * rate) * torch.cosh(inside * rate)
        return torch.where(distance < 0.5, -torch.log2(head.clamp_min(LEAST_PROBABILITY)), tail)


class Gaussian(ScaleLadder):
    """Gaussian with the scale as standard deviation."""

    @property
    def table(self) -> TableSet:
        """The Gaussian tables, one row per rung."""
        return gaussian_tables()

    def bits(self, symbols: Tensor) -> Tensor:
        """Return -log2 of the mass within half a unit of each symbol."""
        distance = symbols.float().abs()
        upper = torch.special.erfc((distance - 0.5) / self.scale * SQRT_HALF)
        lower = torch.special.erfc((distance + 0.5) / self.scale * SQRT_HALF)
        return -torch.log2((0.5 * (upper - lower)).clamp_min(LEAST_PROBABILITY))
