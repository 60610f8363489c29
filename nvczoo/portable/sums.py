"""The sums of a convolution over integers, in ways that differ in speed and never in the result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """How a convolution goes over its input."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def sums(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return the convolution without a bias, in the type of its arguments."""
        return F.conv2d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)


# Of integers [B, C, H, W] and [O, C, h, w]: sums that have to be added up, each with the unit it is in.
Sums = Callable[[Shape, Tensor, Tensor], tuple[tuple[Tensor, float], ...]]


def reference_sums(shape: Shape, x: Tensor, weight: Tensor) -> tuple[tuple[Tensor, float], ...]:
    """Return one sum of float64, exact up to 2**53."""
    with plain_kernels():
        return ((shape.sums(x.double(), weight.double()), 1.0),)


def quick_sums(bits: int, parts: int) -> Sums:
    """Return sums over an input cut in parts of so many bits, each exact in float32 up to 2**24."""

    def sums(shape: Shape, x: Tensor, weight: Tensor) -> tuple[tuple[Tensor, float], ...]:
        with plain_kernels():
            cut = _cut(x.float(), bits, parts)
            return tuple((shape.sums(part, weight.float()), unit) for part, unit in cut)

    return sums


def added(sums: tuple[tuple[Tensor, float], ...]) -> Tensor:
    """Return the sum of sums, float64."""
    return torch.stack([one.double() * unit for one, unit in sums]).sum(0)


def _cut(x: Tensor, bits: int, parts: int) -> Iterator[tuple[Tensor, float]]:
    """Yield integers as parts of ``bits`` bits with a sign, and the unit of each, the lowest first."""
    for number in range(parts - 1):
        upper = (x * 2.0**-bits).round_()
        yield torch.add(x, upper, alpha=-(1 << bits)), float(1 << bits * number)
        x = upper
    yield x, float(1 << bits * (parts - 1))


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Keep to kernels that add up products of the numbers they are given, whatever is set around.

    NNPACK would transform (Winograd, FFT), TF32 and bfloat16 would shorten the factors, cuDNN may choose
    any of these: transformed or shortened numbers are under no bound of ours.
    """
    precision, autocast = torch.get_float32_matmul_precision(), torch.is_autocast_enabled("cpu")
    torch.set_float32_matmul_precision("highest")
    torch.set_autocast_enabled("cpu", False)
    try:
        with (
            torch.backends.nnpack.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=False),
            torch.autocast("cuda", enabled=False),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.set_autocast_enabled("cpu", autocast)
