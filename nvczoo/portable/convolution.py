"""A convolution over integers: exact sums, one rounding."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nvczoo.errors import SettingError
from nvczoo.portable.bounds import low_bits, prove, reach
from nvczoo.portable.grid import Grid, half_up
from nvczoo.portable.held import Held
from nvczoo.portable.sums import Shape, Sums, reference_sums, single_sums, split_sums

WEIGHT_BITS = 16
LEAST_WEIGHT_BITS = 9  # with fewer, quality falls faster than speed rises


@dataclass(frozen=True)
class IntegerWeights:
    """Weights [O, ...] and biases [O] as integers, each output channel with a unit of its own."""

    weight: Tensor  # int32
    unit: Tensor  # float32 [O], powers of two
    bias: Tensor  # int64 [O], in units of the channel times the step of the input


def integer_weights(weight: Tensor, bias: Tensor | None, source: Grid, bits: int) -> IntegerWeights:
    """Return float weights [O, ...] as integers of ``bits`` bits, each channel on the finest grid it fits."""
    grids = [Grid.holding(float(row.abs().max()), bits) for row in weight.detach()]
    rows = [grid.units(row.double()) for grid, row in zip(grids, weight.detach(), strict=True)]
    unit = torch.tensor([grid.step for grid in grids], device=weight.device)
    whole = torch.zeros_like(unit, dtype=torch.int64)
    if bias is not None:
        whole = half_up(bias.detach().double() / (unit.double() * source.step)).to(torch.int64)
    return IntegerWeights(torch.stack(rows).to(torch.int32), unit, whole)


def quick_bits(weight: Tensor, source: Grid) -> int:
    """Return the most bits of weights [O, ...] whose sums float32 can hold, in one part or two; else all."""
    for bits in range(WEIGHT_BITS, LEAST_WEIGHT_BITS - 1, -1):
        if low_bits(integer_weights(weight, None, source, bits).weight, source) is not None:
            return bits
    return WEIGHT_BITS


class PortableConv2d(nn.Module):
    """settle(weight * settle(x) + bias): from one grid to another, by exact sums.

    The result is float32 and machine independent for any input that is, even one off the grid.
    """

    weight: Tensor
    unit: Tensor
    bias: Tensor

    def __init__(self, weights: IntegerWeights, shape: Shape, source: Grid, target: Grid) -> None:
        super().__init__()
        self.shape, self.source, self.target = shape, source, target
        self.register_buffer("weight", weights.weight)
        self.register_buffer("unit", weights.unit)
        self.register_buffer("bias", weights.bias)
        prove("A convolution", self.bound, torch.float64)
        self.sums: Sums = reference_sums

    @classmethod
    def of(
        cls, conv: nn.Conv2d, source: Grid, target: Grid, bits: int | None = WEIGHT_BITS
    ) -> "PortableConv2d":
        """Return the portable form of ``conv``, with ``quick_bits`` if none are given.

        Raises SettingError if it pads with other than zeros.
        """
        if conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            raise SettingError(f"{conv} pads in a way that has no portable form; only zeros have")
        # torch types these four as tuples of any length.
        sides = (tuple(map(int, one)) for one in (conv.stride, conv.padding, conv.dilation))
        stride, padding, dilation = ((rows, columns) for rows, columns in sides)
        shape = Shape(stride, padding, dilation, conv.groups)
        bits = quick_bits(conv.weight, source) if bits is None else bits
        return cls(integer_weights(conv.weight, conv.bias, source, bits), shape, source, target)

    @property
    def held(self) -> Held:
        """What its results hold."""
        return self.target.held

    @property
    def bound(self) -> int:
        """What no partial sum exceeds, in units of its channel."""
        return reach(self.weight, self.bias, -self.source.least)

    def hurry(self) -> None:
        """Take sums of float32, where the bound allows it: in one go, or the input in two parts."""
        low = low_bits(self.weight, self.source)
        if low is not None:
            self.sums = single_sums if low >= self.source.bits else split_sums(low)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, O, H', W'] for [B, C, H, W]."""
        sums = self.sums(self.shape, self.source.units(x), self.weight)
        sums = sums + self.bias.double().view(-1, 1, 1)
        unit = self.unit.double() * self.source.step  # powers of two: no product with them is rounded
        return self.target.settle(sums * unit.view(-1, 1, 1))
