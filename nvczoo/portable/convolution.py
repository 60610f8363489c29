"""A convolution over integers: exact sums, one rounding."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nvczoo.errors import SettingError
from nvczoo.portable import kernels
from nvczoo.portable.bounds import part_bits, parts_needed, prove, reach
from nvczoo.portable.followed import FollowedModule
from nvczoo.portable.grid import EXACT, MOST_FRACTION, Grid, nearest
from nvczoo.portable.kernels import UNCUT, WHOLE, Channels, Cut, Rounding, rounding
from nvczoo.portable.sums import Shape, Sums, added, plain_kernels, quick_sums, reference_sums

WEIGHT_BITS = 16
LEAST_BITS = 6  # of weights and inputs that one sum of float32 has to hold
WEIGHT_ADVANTAGE = 1.5  # bits: weights fill their range better than numbers with headroom do
PROBE_SIDE = 16  # pixels of the worst input


@dataclass(frozen=True)
class IntegerWeights:
    """Weights [O, ...] and biases [O] as integers, each output channel with a unit of its own."""

    weight: Tensor  # int16
    unit: Tensor  # float32 [O], powers of two
    bias: Tensor  # int64 [O], in units of the channel times the step of the input


def integer_weights(weight: Tensor, bias: Tensor | None, source: Grid, bits: int) -> IntegerWeights:
    """Return float weights [O, ...] as integers of ``bits`` bits, each channel on the finest grid it fits."""
    weight = weight.detach()
    grids = [Grid.holding(reach, bits) for reach in weight.abs().flatten(1).amax(1).tolist()]
    unit = torch.tensor([grid.step for grid in grids], device=weight.device)
    whole = nearest(weight.double() / unit.double().view(-1, *[1] * (weight.dim() - 1)))
    return IntegerWeights(whole.to(torch.int16), unit, _bias_units(bias, unit, source))


def _bias_units(bias: Tensor | None, unit: Tensor, source: Grid) -> Tensor:
    """Return biases [O] in units of the channel times the step of the input, int64."""
    if bias is None:
        return torch.zeros_like(unit, dtype=torch.int64)
    return nearest(bias.detach().double() / (unit.double() * source.step)).to(torch.int64)


def fitting(conv: nn.Conv2d, source: Grid, parts: int) -> tuple[int, Grid]:
    """Return bits for weights and a grid for the input, as coarse as needed, so that float32 holds its sums.

    The input may be cut in so many parts. Of all pairs that fit it is the one with the least error, if both
    are rounded evenly; where none fits, weights have all bits and the sums are those of float64.
    """
    best: tuple[float, int, Grid] | None = None
    for bits in range(LEAST_BITS, WEIGHT_BITS + 1):
        whole = integer_weights(conv.weight, None, source, bits)
        sums = whole.weight.to(torch.int64).abs().flatten(1).sum(1)
        for inputs in range(LEAST_BITS, source.bits + 1):
            grid = Grid(source.fraction + inputs - source.bits, inputs)
            error = 4.0 ** -(bits + WEIGHT_ADVANTAGE) + 4.0**-inputs
            if best is not None and error >= best[0]:
                continue
            most = sums << part_bits(grid, parts) - 1
            if parts == 1:  # the bias is then added up in float32 as well
                most = most + _bias_units(conv.bias, whole.unit, grid).abs()
            if int(most.max()) <= EXACT[torch.float32]:
                best = error, bits, grid
    return (WEIGHT_BITS, source) if best is None else best[1:]


class PortableConv2d(FollowedModule):
    """settle(weight * settle(x) + bias): from one grid to another, by exact sums.

    The result is float32 and machine independent for any input that is, even one off the grid.
    """

    weight: Tensor
    unit: Tensor
    bias: Tensor
    factors: Tensor
    gains: Tensor  # for kernels
    offsets: Tensor

    def __init__(self, weights: IntegerWeights, shape: Shape, source: Grid, target: Grid) -> None:
        super().__init__(source, target)
        self.shape = shape
        self.register_buffer("weight", weights.weight)
        self.register_buffer("unit", weights.unit)
        self.register_buffer("bias", weights.bias)
        self.check()
        self.sums: Sums = reference_sums
        self.dtype = torch.float64  # of the sum of sums and bias
        self.parts: int | None = None  # that the input is cut in; None: the reference
        self.register_buffer("factors", self.weight, persistent=False)  # the weights, as the sums want them
        self.cut = UNCUT  # the parts, and what their sums are multiplied by, and what is added to them then:
        self.register_buffer("gains", None, persistent=False)
        self.register_buffer("offsets", None, persistent=False)

    @classmethod
    def of(cls, conv: nn.Conv2d, source: Grid, target: Grid, bits: int = WEIGHT_BITS) -> "PortableConv2d":
        """Return the portable form of ``conv``, with weights of so many bits.

        Raises SettingError if it pads with other than zeros.
        """
        if conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            raise SettingError(f"{conv} pads in a way that has no portable form; only zeros have")
        # torch types these four as tuples of any length.
        sides = (tuple(map(int, one)) for one in (conv.stride, conv.padding, conv.dilation))
        stride, padding, dilation = ((rows, columns) for rows, columns in sides)
        shape = Shape(stride, padding, dilation, conv.groups)
        return cls(integer_weights(conv.weight, conv.bias, source, bits), shape, source, target)

    @property
    def bound(self) -> int:
        """What no partial sum exceeds, in units of its channel."""
        return reach(self.weight, self.bias, -self.source.least)

    def check(self) -> None:
        """Raise SettingError unless all sums are exact in float64, and units are powers of two."""
        prove("A convolution", self.bound, torch.float64)
        for unit in self.unit.tolist():
            mantissa, exponent = math.frexp(unit)
            if mantissa != 0.5 or abs(exponent) > MOST_FRACTION + 1:
                raise SettingError(
                    f"The unit {unit!r} of a convolution's weights is no power of two in reach"
                )

    @property
    def parts_allowed(self) -> int | None:
        """In how many parts float32 may sum the input up; None if the bound allows it in none."""
        return parts_needed(self.weight, self.source)

    def hurry(self) -> None:
        """Take sums of float32, if the bound allows it and the worst input shows that they are right here."""
        parts = self.parts_allowed
        if parts is None:
            return
        worst = self._worst_input()
        sums = quick_sums(part_bits(self.source, parts), parts)
        found, expected = (added(one(self.shape, worst, self.weight)) for one in (sums, reference_sums))
        if torch.equal(found, expected):
            self.sums, self.parts, self.factors = sums, parts, self.weight.float()
            if parts == 1 and self.bound <= EXACT[torch.float32]:
                self.dtype = torch.float32
            self.cut = Cut(parts, part_bits(self.source, parts))
            self.gains = self._gain(torch.float64)
            self.offsets = self.bias.double() * self.gains
            super().hurry()

    def keep_to_the_reference(self) -> None:
        """Take sums of float64."""
        self.sums, self.parts, self.factors = reference_sums, None, self.weight
        self.dtype = torch.float64
        super().keep_to_the_reference()

    def exact(self, x: Tensor) -> Tensor:
        """Return [B, O, H', W'] for [B, C, H, W]."""
        if self.quick and kernels.apply(x):
            parts = kernels.settled(x, [rounding(self.source, WHOLE)], self.cut)
            return self.finished(parts, [self.rounded])
        return self.units(self.source.units(x)).mul_(self.target.step)

    def smooth(self, x: Tensor) -> Tensor:
        """Return the convolution by floats."""
        weight = self.weight * self.unit.view(-1, *[1] * (self.weight.dim() - 1))
        bias = (self.bias * self.unit * self.source.step).float()
        return self.shape.sums(x, weight) + bias.view(-1, 1, 1)

    @property
    def rounded(self) -> Rounding:
        """What makes the target's multiples of its units."""
        return rounding(self.target, self.target.step, source=self.target.step)

    def finished(
        self,
        parts: Tensor,
        roundings: Sequence[Rounding],
        cut: Cut = UNCUT,
        added: tuple[Tensor, Rounding] | None = None,
    ) -> Tensor:
        """Return [B, O, H', W'] for the parts [parts * B, C, H, W] of units, by kernels.

        The first rounding is of units of the target; ``cut`` and ``added`` are as ``kernels.finished`` has
        them.
        """
        with plain_kernels():
            sums = self.shape.sums(parts, self.factors)
        channels = Channels(self.gains, self.offsets)
        return kernels.finished(sums, self.cut, channels, roundings, cut, added)

    def units(self, x: Tensor) -> Tensor:
        """Return units of the target, float32, for units of the source."""
        # Powers of two: no product with them is rounded.
        unit = self._gain(self.dtype).view(-1, 1, 1)
        total = self.bias.to(self.dtype).view(-1, 1, 1) * unit
        for sums, scale in self.sums(self.shape, x, self.factors):
            total = torch.addcmul(total, sums, unit, value=scale)
        return total.round_().float().clamp_(self.target.least, self.target.most)

    def _gain(self, dtype: torch.dtype) -> Tensor:
        """Return the unit [O] of each channel's sum, in units of the target."""
        return self.unit.to(dtype) * (self.source.step * 2.0**self.target.fraction)

    def _worst_input(self) -> Tensor:
        """Return inputs whose sums go to the bound, all low bits set: shortened factors fail there first."""
        signs = self.weight.sign().flatten(1)  # as many examples as output channels would need; eight show it
        channels = self.weight.shape[1] * self.shape.groups
        height, width = self.weight.shape[2:]
        examples = torch.full((8, channels, PROBE_SIDE, PROBE_SIDE), self.source.most, dtype=torch.float32)
        examples[1::2] = self.source.least + 1
        if self.shape.groups == 1:
            rows = signs[torch.arange(8) % len(signs)].view(8, channels, height, width)
            tiled = rows.repeat(1, 1, -(-PROBE_SIDE // height), -(-PROBE_SIDE // width))
            examples = examples * tiled[:, :, :PROBE_SIDE, :PROBE_SIDE]
        return examples.to(self.weight.device)
