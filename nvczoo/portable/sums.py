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


Sums = Callable[[Shape, Tensor, Tensor], Tensor]  # integers [B, C, H, W] and [O, C, h, w] -> float64


def reference_sums(shape: Shape, x: Tensor, weight: Tensor) -> Tensor:
    """Return the sums, exact up to 2**53."""
    with plain_kernels():
        return shape.sums(x.double(), weight.double())


def single_sums(shape: Shape, x: Tensor, weight: Tensor) -> Tensor:
    """Return the sums, exact up to 2**24."""
    with plain_kernels():
        return shape.sums(x.float(), weight.float()).double()


def split_sums(low: int) -> Sums:
    """Return sums that take the lowest ``low`` bits of the input for themselves; each exact up to 2**24."""

    def sums(shape: Shape, x: Tensor, weight: Tensor) -> Tensor:
        unit = float(1 << low)
        high = (x / unit + 0.5).floor()
        rest = x - high * unit
        with plain_kernels():
            upper = shape.sums(high.float(), weight.float()).double()
            lower = shape.sums(rest.float(), weight.float()).double()
        return upper * unit + lower

    return sums


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
