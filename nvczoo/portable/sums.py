"""The sums of a convolution over integers, in ways that differ in speed and never in the result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.portable.grid import nearest


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


Sums = Callable[[Shape, Tensor, Tensor], Tensor]  # integers [B, C, H, W] and [O, C, h, w] -> float64


def reference_sums(shape: Shape, x: Tensor, weight: Tensor) -> Tensor:
    """Return the sums, exact up to 2**53."""
    with plain_kernels():
        return shape.sums(x.double(), weight.double())


def quick_sums(bits: int, parts: int) -> Sums:
    """Return sums over an input cut in parts of so many bits, each exact in float32 up to 2**24."""

    def sums(shape: Shape, x: Tensor, weight: Tensor) -> Tensor:
        with plain_kernels():
            found = shape.sums(torch.cat(_cut(x.float(), bits, parts)), weight.float())
        total, *others = found.chunk(parts)  # from the highest to the lowest
        total = total.double()
        for other in others:
            total = torch.add(other, total, alpha=1 << bits)
        return total

    return sums


def _cut(x: Tensor, bits: int, parts: int) -> list[Tensor]:
    """Return integers as parts of ``bits`` bits with a sign, the highest first."""
    found: list[Tensor] = []
    for _ in range(parts - 1):
        upper = nearest(x * 2.0**-bits)
        found.insert(0, x - upper * 2.0**bits)
        x = upper
    return [x, *found]


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
